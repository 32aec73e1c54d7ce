"""What tells builds apart: implementation, build options, archive flavor, x86-64 level."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, get_args

from provision.model.value import frozen

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
