"""`components_of`: which libraries a build of python-build-standalone contains.

PBS's table of downloads (`pythonbuild/downloads.py`) lists what is downloaded for a tag, not what a build contains. The
rules here turn the table into contents. They were taken from PBS's own files; comments name the file and the tag from
which a rule applies. If PBS's files do not determine a version, it is not known, and never guessed from a neighbour.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar

from provision.catalog.pbs import release_tag
from provision.model.asset import Asset
from provision.model.tree import RemovablePart
from provision.model.value import field, frozen

_BUNDLED_TABLE = Path(__file__).with_name("data") / "components.json"

# What `origin_words` says.
IN_CPYTHON = "inside CPython"
NOT_KNOWN = "not known"

Origin = Literal["bundled", "cpython", "system", "unknown"]
Series = tuple[int, int]

# Before this tag, PBS's code adds and removes components that its `targets.yml` does not list.
_FIRST_TAG = "20210724"

# Entries of the table by the component that they are.
COMPONENT_OF_ENTRY = {
    **dict.fromkeys(("openssl", "openssl-1.1", "openssl-3.0", "openssl-3.5"), "openssl"),
    **dict.fromkeys(("libffi", "libffi-3.3"), "libffi"),
    **{
        name: name
        for name in (
            *("bdb", "bzip2", "expat", "gdbm", "libX11", "libXau", "libedit", "libressl", "libxcb", "mpdecimal"),
            *("ncurses", "readline", "sqlite", "tcl", "tix", "tk", "uuid", "xz", "zlib", "zstd"),
        )
    },
}

_KNOWN_ENTRIES = frozenset(COMPONENT_OF_ENTRY) | {
    "tk-windows-bin",
    *(f"tk-windows-bin-{version}" for version in ("8612", "8614", "903", "904")),
}


@frozen
class Component:
    """A library or package in a build; ``version`` is empty unless ``origin`` is ``bundled``.

    ``origin``: ``bundled`` by PBS; ``cpython``: a copy inside CPython's own source; ``system``: the machine's library;
    ``unknown``: in the build, but with an unknown version.
    """

    name: str
    version: str = ""
    origin: Origin = "bundled"


_Value = TypeVar("_Value")
_Changes = tuple[tuple[str, _Value], ...]  # (the tag from which on the value holds, the value), in ascending order


@frozen
class LearnedTag:
    """PBS's files at one tag: the version of each entry, and the entries that each Unix target needs."""

    versions: Mapping[str, str]
    needs: Mapping[str, tuple[str, ...]]


@frozen
class ComponentTable:
    """The versions of PBS's downloads by tag, and what each Unix target needs of them.

    ``versions`` has the changes of version for each entry; an empty version is a removed entry. ``needs`` has the
    changes of needs for each target triple. ``partial`` has the tags with only release notes, and the versions that
    these name. ``learned`` has later tags, from `catalog update`.
    """

    tags: frozenset[str]
    versions: Mapping[str, _Changes[str]]
    needs: Mapping[str, _Changes[tuple[str, ...]]]
    partial: Mapping[str, Mapping[str, str]]
    learned: Mapping[str, LearnedTag] = field(default_factory=dict)

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> ComponentTable:
        """Read the JSON of the bundled file, which `tools.components` writes."""
        needs = document["needs"].items()
        return cls(
            tags=frozenset(document["tags"]),
            versions={
                name: tuple((tag, version) for tag, version in rows) for name, rows in document["versions"].items()
            },
            needs={target: tuple((tag, tuple(names)) for tag, names in rows) for target, rows in needs},
            partial=document["partial"],
        )

    def __contains__(self, tag: str) -> bool:
        return tag in self.tags or tag in self.partial or tag in self.learned

    def gap(self, tag: str) -> str:
        """Why the contents of builds of a tag are not or not completely known; empty if they are."""
        if tag in self.tags or tag in self.learned:
            return ""
        newest = max((*self.tags, *self.learned), default="")
        if tag > newest:
            return f"build {tag} is newer than the component list of {newest}"
        return f"the component list does not have build {tag}"

    def version(self, entry: str, tag: str) -> str:
        """The version of an entry at a tag; empty if it is not known, or the table has no such entry at this tag."""
        if tag in self.learned:
            return self.learned[tag].versions.get(entry, "")
        if tag in self.partial:
            return self.partial[tag].get(entry, "")
        return _value_at(self.versions.get(entry, ()), tag) or ""

    def release_days(self, component: str) -> dict[str, str]:
        """For each version of a component, the first tag that has it, by which the version was released."""
        versions = [
            *((entry, tag, version) for entry, rows in self.versions.items() for tag, version in rows),
            *((entry, tag, version) for tag, row in self.partial.items() for entry, version in row.items()),
            *((entry, tag, version) for tag, row in self.learned.items() for entry, version in row.versions.items()),
        ]
        found: dict[str, str] = {}
        for entry, tag, version in versions:
            if version and COMPONENT_OF_ENTRY.get(entry, entry) == component:
                found[version] = min(tag, found.get(version, tag))
        return found

    def has_new_entry(self, prefix: str, tag: str) -> bool:
        """Whether a learned tag has an entry of a family that the rules do not know."""
        entries = self.learned[tag].versions if tag in self.learned else ()
        return any(entry.startswith(prefix) and entry not in _KNOWN_ENTRIES for entry in entries)

    def needs_at(self, target: str, tag: str) -> tuple[str, ...]:
        """The entries that a Unix target needs; for a tag that is partly known, those of the tag before it."""
        if tag in self.learned:
            return self.learned[tag].needs.get(target, ())
        return _value_at(self.needs.get(target, ()), tag) or ()


def _value_at(changes: _Changes[_Value], tag: str) -> _Value | None:
    position = bisect_right(changes, tag, key=lambda change: change[0])
    return changes[position - 1][1] if position else None


@cache
def bundled_table() -> ComponentTable:
    """The table in the package."""
    import json

    return ComponentTable.read(json.loads(_BUNDLED_TABLE.read_text("utf-8")))


def is_removed(component: Component, asset: Asset, without: Collection[RemovablePart]) -> bool:
    """Whether a tree without some parts has nothing of a component of its build.

    On Unix, Tcl and Tk may be linked into the interpreter itself, which stays.
    """
    if component.name.endswith(" (in ensurepip)"):
        return "ensurepip" in without
    return component.name in {"tcl", "tk"} and asset.target.os == "windows" and "tkinter" in without


def components_of(asset: Asset, table: ComponentTable) -> tuple[Component, ...] | None:
    """What a build of PBS contains, sorted by name; None if its tag is not known, or for other implementations.

    It is also None for archives of other publishers, whatever their names. CPU level, optimisation, free threading and
    ``debug`` make no difference (PBS's `build.py`, `target_needs()`).
    """
    tag = asset.build[:8]  # a clock time follows in tags of 2021 and before
    if asset.implementation != "cpython" or release_tag(asset) != tag:
        return None
    if tag < _FIRST_TAG or tag not in table:
        return None
    rules: _Rules
    if asset.target.os == "windows":
        rules = _WindowsRules(asset, table)
    elif table.needs_at(str(asset.target), tag):
        rules = _UnixRules(asset, table)
    else:
        return None
    found = (*rules.components(), *rules.packages())
    return tuple(sorted(found, key=lambda component: component.name.lower()))


def origin_words(component: Component, asset: Asset) -> str:
    """``3.5.7``, ``inside CPython 3.13.5``, ``the system's`` or ``not known``."""
    match component.origin:
        case "bundled":
            return component.version
        case "cpython":
            return f"{IN_CPYTHON} {asset.version}"
        case "system":
            return "the system's"
        case "unknown":
            return NOT_KNOWN


class _Rules:
    """The rules for one build: its properties, and the components that all targets share."""

    def __init__(self, asset: Asset, table: ComponentTable) -> None:
        self.tag, self.options, self.flavor, self.target = asset.build[:8], asset.options, asset.flavor, asset.target
        self.series: Series = (asset.version.major, asset.version.minor)
        self.table = table

    def components(self) -> Iterator[Component]:
        raise NotImplementedError

    def packages(self) -> Iterator[Component]:
        """pip and setuptools in `site-packages`, and the pip that `ensurepip` installs into environments."""
        yield self.bundled("pip", "pip")
        yield Component(name="pip (in ensurepip)", origin="cpython")
        # build-cpython.sh@20240909; until then 3.12 had it as well.
        if self.tag < "20240909" or self.series <= (3, 11):
            yield self.bundled("setuptools", "setuptools")

    def bundled(self, name: str, entry: str) -> Component:
        version = self.table.version(entry, self.tag)
        if name == "sqlite" and version.count(".") == 3:
            version = version.removesuffix(".0")
        return Component(name=name, version=version) if version else Component(name=name, origin="unknown")


class _UnixRules(_Rules):
    """Linux and macOS: what `targets.yml` says that a target needs, with the exceptions that are code."""

    def components(self) -> Iterator[Component]:
        needs = set(self.table.needs_at(str(self.target), self.tag))
        if self.tag == _FIRST_TAG:  # `needs.add("openssl")`, utils.py@20210228; musl: build-main.py@20200418
            needs.add("libressl" if self.target.libc == "musl" else "openssl")
        needs = {entry for entry in needs if self._is_linked(entry)}
        for entry in needs:
            name = COMPONENT_OF_ENTRY.get(entry)
            if name is not None:
                yield self.bundled(name, entry)
            else:  # an entry that is newer than these rules
                yield Component(name="openssl" if entry.startswith("openssl-") else entry, origin="unknown")
        for name in ("expat", "mpdecimal"):  # `--with-system-expat`, build-cpython.sh@20230116
            if name not in needs:
                yield Component(name=name, origin="cpython")
        if self.target.os == "macos":
            for name in ("libedit", "ncurses", *(() if "zlib" in needs else ("zlib",))):
                yield Component(name=name, origin="system")
        if self.target.libc == "musl" and (self.tag < "20250311" or "static" in self.options):
            yield self.bundled("musl", "musl" if self.tag < "20250311" else "musl-static")

    def _is_linked(self, entry: str) -> bool:
        """Whether a build of this series links what its target needs."""
        old = self.series <= (3, 9)
        match entry:
            case "readline":  # utils.py@20211012
                return old
            case "libedit":  # 3.8 and 3.9 link readline; libedit is an object of the full archive
                return not (old and self.tag <= "20221220" and self.target.os == "linux" and self.flavor != "full")
            case "gdbm":  # static-modules.*@20210228
                return old and self.tag <= "20221220" and self.target.arch != "i686" and self.target.os == "linux"
            case "zstd":  # extension-modules.yml@20250708, `minimum-python-version: 3.14`
                return self.series >= (3, 14)
            case "tix":
                return self.tag <= "20250807"
        return True


class _WindowsRules(_Rules):
    """`cpython-windows/build.py`; the table does not say what Windows needs."""

    def components(self) -> Iterator[Component]:
        yield self._of_family("openssl", "openssl", self._openssl())
        ng = self.series >= (3, 14) and self.tag >= "20250517"  # zlib_entry
        yield self.bundled("zlib-ng" if ng else "zlib", "zlib-ng" if ng else "zlib")
        for name in ("bzip2", "sqlite", "xz"):
            yield self.bundled(name, name)
        if self.series >= (3, 14) and self.tag >= "20250604":
            yield self.bundled("zstd", "zstd")
        yield Component(name="expat", origin="cpython")  # pyexpat.vcxproj is not changed
        if self.series >= (3, 13):
            yield self.bundled("mpdecimal", "mpdecimal")
        else:
            yield Component(name="mpdecimal", origin="cpython")
        if self.tag not in self.table.tags:
            yield Component(name="libffi", origin="unknown")
        else:  # a commit of cpython-source-deps in the code: ed22026f until 20211017, 16fad485 since
            yield Component(name="libffi", version="3.3" if self.tag <= "20211017" else "3.4.2")
        if "static" not in self.options:  # validation.rs, GLOBAL_EXTENSIONS_WINDOWS_NO_STATIC
            entry = self._tcl()
            for name in ("tcl", "tk"):
                component = self._of_family(name, "tk-windows-bin", entry)
                # "6.6.9" is upstream's typo for 8.6.9, in the table from 20190427 to 20211017.
                yield Component(name=name, version="8.6.9") if component.version == "6.6.9" else component

    def _of_family(self, name: str, prefix: str, entry: str) -> Component:
        """The component of an entry, unless a newer entry of its kind may have taken its place."""
        if self.table.has_new_entry(prefix, self.tag):
            return Component(name=name, origin="unknown")
        return self.bundled(name, entry)

    def _openssl(self) -> str:
        if self.tag <= "20230826":
            return "openssl"
        if self.series <= (3, 10):
            return "openssl-1.1"
        return "openssl-3.0" if self.tag <= "20250902" else "openssl-3.5"

    def _tcl(self) -> str:
        new, arm = self.series >= (3, 14), self.target.arch == "aarch64"
        if self.tag <= "20250106":
            return "tk-windows-bin"
        if self.tag <= "20260510":
            return "tk-windows-bin" if new or (arm and self.tag >= "20250630") else "tk-windows-bin-8612"
        if new:
            return "tk-windows-bin-903" if self.tag <= "20260728" else "tk-windows-bin-904"
        return "tk-windows-bin-8614" if arm else "tk-windows-bin-8612"
