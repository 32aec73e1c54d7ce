"""Owns what a request asks of a build's options, normalised; which of those that fit is best, `preference` says."""

from __future__ import annotations

from provision.manifest.document import Request
from provision.model.build import OPTIMISATIONS, BuildOptions
from provision.model.value import frozen


@frozen
class Demand:
    """The build options asked for. ``freethreaded``, ``debug`` and ``static`` hold exactly, asked for or not.

    ``shared`` binds only when asked for: some builds for Windows are shared only. ``optimisations`` are exactly those
    that ``build-options`` names; None where it names none. ``plain`` tells that it was given all the same, so that a
    build that names no optimisation either is meant before others.
    """

    freethreaded: bool = False
    debug: bool = False
    static: bool = False
    shared: bool = False
    optimisations: frozenset[str] | None = None
    plain: bool = False

    @classmethod
    def of(cls, request: Request) -> Demand:
        """Options named in ``build-options`` count as asked for one by one."""
        options = request.options or BuildOptions()
        return cls(
            freethreaded=request.freethreaded or options.freethreaded,
            debug=request.debug or options.debug,
            static="static" in options,
            shared="shared" in options,
            optimisations=(options.names & OPTIMISATIONS) or None,
            plain=request.options is not None,
        )

    def accepts(self, options: BuildOptions) -> bool:
        """Whether a build with exactly these options answers the request."""
        names = options.names
        return (
            ("freethreaded" in names) == self.freethreaded
            and ("debug" in names) == self.debug
            and ("static" in names) == self.static
            and (not self.shared or "shared" in names)
            and (self.optimisations is None or names & OPTIMISATIONS == self.optimisations)
        )
