"""`Asset`, one archive: digest, build options, flavor, CPU level, URL.

`catalog.names` knows how asset names spell these.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple, get_args

from provision.model.sha256 import sha256_hex
from provision.model.target import Target
from provision.model.value import frozen
from provision.model.version import Version

Implementation = Literal["cpython", "pypy", "graalpy"]
Flavor = Literal["install_only_stripped", "install_only", "full"]
CpuLevel = Literal["baseline", "v2", "v3", "v4"]
CpuRequest = Literal["baseline", "v2", "v3", "v4", "auto"]

# The implementations that can be locked and installed, and that manifests, lock files and catalogs may name.
IMPLEMENTATIONS: tuple[Implementation, ...] = get_args(Implementation)
FLAVORS: tuple[Flavor, ...] = get_args(Flavor)  # in order of preference
CPU_LEVELS: tuple[CpuLevel, ...] = get_args(CpuLevel)  # in ascending order
CPU_REQUESTS: tuple[CpuRequest, ...] = get_args(CpuRequest)

# In the order of asset names. `shared` and `static` are link modes: Windows builds had both until 2025, musl builds
# still have `static`.
OPTIONS = ("freethreaded", "debug", "noopt", "pgo", "lto", "static", "shared")
OPTIMISATIONS = frozenset({"noopt", "pgo", "lto"})

# A build in catalogs and locks: a release tag of PBS, or the version of another implementation.
BUILD_PATTERN = r"[0-9A-Za-z][0-9A-Za-z._-]{0,63}"

_HEX_DIGITS = frozenset("0123456789abcdef")
# What RFC 3986 never requires to be percent-encoded.
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


def normal_path(path: str) -> str:
    """A path of a URL without unnecessary escapes, and with the others in capitals: RFC 3986, 6.2.2.

    So all spellings of one path are equal.
    """
    import re

    def normal(escape: re.Match[str]) -> str:
        character = chr(int(escape[1], 16))
        return character if character in _UNRESERVED else escape[0].upper()

    return re.sub("%([0-9A-Fa-f]{2})", normal, path)


def file_name(url: str) -> str:
    """The file name in a URL that `url.parse_url` accepts: the last segment of its path, with ``%2B`` as ``+``."""
    name = url.partition("?")[0].rpartition("/")[2].replace("%2B", "+").replace("%2b", "+")
    return normal_path(name) if "%" in name else name


@frozen(kw_only=False, order=True)
class Digest:
    """A sha256 as 64 lower-case hexadecimal digits."""

    hex: str

    @classmethod
    def parse(cls, text: str) -> Digest:
        """Read 64 hexadecimal digits, in any case, with or without ``sha256:``; raise `ValueError` on anything else."""
        digits = text.removeprefix("sha256:").lower()
        if len(digits) != 64 or not _HEX_DIGITS.issuperset(digits):
            raise ValueError(f"{text!r} is not a sha256: expected 64 hexadecimal digits")
        return cls(digits)

    @classmethod
    def of(cls, content: bytes) -> Digest:
        """The sha256 of a short text or document."""
        return cls(sha256_hex(content))

    def __str__(self) -> str:
        return self.hex


@frozen(kw_only=False)
class BuildOptions:
    """A set of build options; `parse` and `str` are inverses in PBS's own order, ``freethreaded+pgo+lto``."""

    names: frozenset[str] = frozenset()

    @classmethod
    def of(cls, names: Iterable[str]) -> BuildOptions:
        """Make a set of known options; raise `ValueError` with the first unknown one."""
        given = frozenset(names)
        for name in sorted(given.difference(OPTIONS)):
            raise ValueError(f"{name!r} is not a build option; expected one of {', '.join(OPTIONS)}")
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
        """``t``, ``d`` or ``td``: the suffix of the executable's and the library's name on Unix."""
        return "t" * self.freethreaded + "d" * self.debug

    def __contains__(self, name: str) -> bool:
        return name in self.names

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self.names))

    def __str__(self) -> str:
        return "+".join(name for name in OPTIONS if name in self.names)


class Variant(NamedTuple):
    """The properties in which assets of one build differ."""

    target: Target
    cpu: CpuLevel
    flavor: Flavor
    options: BuildOptions


@frozen
class Asset:
    """One archive: what is in it, where it is published, and the digest that it must have.

    ``build`` is PBS's release tag (``20260814``), or the implementation's own version for PyPy and GraalPy.
    ``size`` is in bytes, ``published`` is an RFC 3339 time in UTC; both are None if unknown.
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
        """The archive's file name: that of its URL."""
        return file_name(self.url)

    @property
    def variant(self) -> Variant:
        return Variant(self.target, self.cpu, self.flavor, self.options)

    @property
    def title(self) -> str:
        """A description for messages: ``cpython 3.14.2+20260814 freethreaded install_only linux-x86_64 v3``."""
        words = (
            self.implementation,
            f"{self.version}+{self.build}",
            str(self.options),
            self.flavor,
            self.target.label(self.cpu),
        )
        return " ".join(word for word in words if word)
