"""Owns what the shell offers after TAB; a completion never fails, it only has nothing to offer."""

from collections.abc import Iterator


def complete_names(incomplete: str) -> Iterator[tuple[str, str]]:
    """The entries of the nearest manifest that begin as typed, each with its request."""
    import os

    from provision.errors import ProvisionError
    from provision.workflows.options import Options
    from provision.workflows.project import Project

    try:
        requests = Project.find(Options.of(os.environ)).manifest().requests
    except ProvisionError:
        return
    yield from ((request.name, str(request.version)) for request in requests if request.name.startswith(incomplete))


def complete_targets(incomplete: str) -> Iterator[str]:
    """The short forms of all targets that begin as typed."""
    from provision.model.target import KNOWN

    yield from sorted(target.short for target in KNOWN.values() if target.short.startswith(incomplete))
