"""Owns `Asset`, one archive upstream; how its name is spelled, `catalog.names` knows."""

from __future__ import annotations

from provision.model.build import BuildOptions, CpuLevel, Flavor
from provision.model.digest import Digest
from provision.model.target import Target
from provision.model.value import frozen
from provision.model.version import Version


@frozen
class Asset:
    """One archive: what is in it, where it is, and which bytes it must be.

    ``build`` is PBS's release tag (``20260814``), or the implementation's own version for PyPy and GraalPy.
    ``size`` is in bytes; ``published`` an RFC 3339 time in UTC. Both only where known.
    """

    implementation: str
    version: Version
    build: str
    target: Target
    cpu: CpuLevel = "baseline"
    options: BuildOptions = BuildOptions()
    flavor: Flavor
    url: str
    sha256: Digest
    size: int | None = None
    published: str | None = None

    @property
    def filename(self) -> str:
        """The archive's own name: the URL's last segment, with ``%2B`` as ``+``."""
        return self.url.rpartition("/")[2].partition("?")[0].replace("%2B", "+").replace("%2b", "+")

    @property
    def title(self) -> str:
        """What tells this asset from others, for messages: ``cpython 3.14.2+20260814 freethreaded linux-x86_64 v3``."""
        words = (
            self.implementation,
            f"{self.version}+{self.build}",
            str(self.options),
            self.flavor,
            self.target.label(self.cpu),
        )
        return " ".join(word for word in words if word)
