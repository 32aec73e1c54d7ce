"""`Asset`, one archive upstream: digest, options, flavor, CPU level."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, get_args

from provision.model.target import Target
from provision.model.value import frozen
from provision.model.version import Version

# FOLD provision.model.asset
#   What tells builds apart: implementation, build options, archive flavor, x86-64 level.


Implementation = Literal["cpython", "pypy", "graalpy"]
Flavor = Literal["install_only_stripped", "install_only", "full"]
CpuLevel = Literal["baseline", "v2", "v3", "v4"]
CpuRequest = Literal["baseline", "v2", "v3", "v4", "auto"]

# Those that can be locked and installed: what manifests, locks and catalogs may name.
IMPLEMENTATIONS: tuple[Implementation, ...] = get_args(Implementation)
FLAVORS: tuple[Flavor, ...] = get_args(Flavor)  # in order of preference
CPU_LEVELS: tuple[CpuLevel, ...] = get_args(CpuLevel)  # in ascending order
CPU_REQUESTS: tuple[CpuRequest, ...] = get_args(CpuRequest)

# In the order in which asset names join them. `shared` and `static` are link modes: Windows had both until 2025,
# musl has `static` still.
OPTIONS = ("freethreaded", "debug", "noopt", "pgo", "lto", "static", "shared")
OPTIMISATIONS = frozenset({"noopt", "pgo", "lto"})


@frozen(kw_only=False)
class BuildOptions:
    """A set of build options; `parse` and `str` are inverses in PBS's own order, ``freethreaded+pgo+lto``."""

    names: frozenset[str] = frozenset()

    @classmethod
    def of(cls, names: Iterable[str]) -> BuildOptions:
        """Make a set of known option names; raise `ValueError` naming the first unknown one."""
        given = frozenset(names)
        for name in sorted(given.difference(OPTIONS)):
            raise ValueError(f"{name!r} is not a build option; those are {', '.join(OPTIONS)}")
        return cls(given)

    @classmethod
    def parse(cls, text: str) -> BuildOptions:
        """Read options joined by ``+``; the empty text is the empty set."""
        return cls.of(text.split("+")) if text else cls()

    @property
    def freethreaded(self) -> bool:
        return "freethreaded" in self.names

    @property
    def debug(self) -> bool:
        return "debug" in self.names

    @property
    def abi_suffix(self) -> str:
        """``t``, ``d`` or ``td``: what the executable's and the library's name end in on Unix."""
        return "t" * self.freethreaded + "d" * self.debug

    def __contains__(self, name: str) -> bool:
        return name in self.names

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self.names))

    def __str__(self) -> str:
        return "+".join(name for name in OPTIONS if name in self.names)


# FOLD provision.model.asset
#   Owns `Asset`, one archive upstream; how its name is spelled, `catalog.names` knows.


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


# FOLD provision.model.asset
#   Owns `Digest`, a sha256 as people and lock files write it; hashing bytes is done where the bytes pass.


_HEX = frozenset("0123456789abcdef")


@frozen(kw_only=False, order=True)
class Digest:
    """64 lower-case hex digits of a sha256."""

    hex: str

    @classmethod
    def parse(cls, text: str) -> Digest:
        """Read 64 hex digits, in any case, with or without ``sha256:``; raise `ValueError` on anything else."""
        digits = text.removeprefix("sha256:").lower()
        if len(digits) != 64 or not _HEX.issuperset(digits):
            raise ValueError(f"{text!r} is not a sha256: expected 64 hexadecimal digits")
        return cls(digits)

    def __str__(self) -> str:
        return self.hex
