"""The grammar of asset names, and the build options that a name leaves out.

There are five eras of names, with the release tags that use them:

====  ============================================================  ===================
A     ``cpython-3.7.4-linux64-20190817T0224.tar.zst``               20181218–20200216
B     ``cpython-3.8.2-x86_64-…-pgo-20200418T2243.tar.zst``          20200418–20211017
C     ``cpython-3.9.7-x86_64-…-install_only-20211017T1616.tar.gz``  20210724–20211017
D     ``cpython-3.14.2+20260127-x86_64-…-pgo+lto-full.tar.zst``     since 20220227
E     ``cpython-3.14.2+20260127-x86_64-…-install_only.tar.gz``      since 20220227
====  ============================================================  ===================

How an ``install_only`` archive was optimised, its name does not say. PBS makes it from the fastest of the full archives
of its build: pgo+lto, else pgo, else lto. So these tell, or where none is known (a catalog need not list every asset),
PBS's own build matrix; a test holds that the two never disagree.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Literal

from provision.model.asset import OPTIMISATIONS, Asset, BuildOptions, CpuLevel, Flavor
from provision.model.target import KNOWN_TARGETS, Target
from provision.model.value import frozen, replace
from provision.model.version import Version

Era = Literal["A", "B", "C", "D", "E"]

# The first tag whose musl builds load shared objects; earlier ones are all static, which their names do not say.
MUSL_DYNAMIC_SINCE = "20250311"

_LINK_MODES = ("shared", "static")
_ERA_A_PLATFORMS = {
    "linux64": "x86_64-unknown-linux-gnu",
    "linux64-musl": "x86_64-unknown-linux-musl",
    "macos": "x86_64-apple-darwin",
    "windows-amd64": "x86_64-pc-windows-msvc",
    "windows-x86": "i686-pc-windows-msvc",
}


_PGO_LTO, _PGO, _LTO = frozenset({"pgo", "lto"}), frozenset({"pgo"}), frozenset({"lto"})
_FASTEST_FIRST = (_PGO_LTO, _PGO, _LTO)

# Since these tags, PBS profiles on native machines; before, it had to leave pgo out.
_AARCH64_PGO_SINCE = "20250702"
_V4_PGO_SINCE = "20250106"

# All but the optimisation: builds with the same key are siblings.
_SiblingKey = tuple[str, str, Target, CpuLevel, frozenset[str]]


class UnknownNameError(ValueError):
    """A file name that the grammar does not cover."""


@frozen
class ParsedName:
    """What a name and its release tag say.

    The names of ``install_only`` archives have no options but ``freethreaded`` and the link mode; `infer_options` adds
    the optimisation. ``timestamp`` is that of eras A to C, and often not of the tag's own day.
    """

    era: Era
    version: Version
    build: str
    target: Target
    cpu: CpuLevel = "baseline"
    options: BuildOptions = BuildOptions()
    flavor: Flavor
    timestamp: str | None = None


def parse_name(filename: str, tag: str = "") -> ParsedName:
    """Read an asset's file name; ``tag`` is the release it belongs to, which only names of eras D and E contain.

    Raises `UnknownNameError` for a name of no era, `ValueError` for one that cannot be of that release.
    """
    era, parts = _match(filename)
    build = parts.get("build") or tag
    if not build:
        raise ValueError(f"{filename!r} does not tell its release tag")
    if tag and tag != build:
        raise ValueError(f"{filename!r} is of build {build}, not of {tag}")
    platform = parts["platform"]
    target, cpu = _platforms()[_ERA_A_PLATFORMS[platform] if era == "A" else platform]
    return ParsedName(
        era=era,
        version=Version.parse(parts["version"]),
        build=build,
        target=target,
        cpu=cpu,
        options=_options(filename, target, build, stated=parts.get("options"), link=parts.get("link")),
        flavor=_flavor(parts.get("flavor")),
        timestamp=parts.get("timestamp"),
    )


def format_name(name: ParsedName) -> str:
    """The file name: the inverse of `parse_name`. Raises `ValueError` for assets that no name can express."""
    link = next((mode for mode in _LINK_MODES if name.target.os == "windows" and mode in name.options), "")
    unstated = {link}
    if _is_static_unstated(name.target, name.build):
        unstated.add("static")
    options = str(BuildOptions(name.options.names - unstated))
    if name.era == "A":
        triple = str(name.target)
        platform = next((word for word, known in _ERA_A_PLATFORMS.items() if known == triple), "")
    else:
        platform = name.target.with_cpu(name.cpu)
    match name.era:
        case "A" | "B":
            head, tail = f"cpython-{name.version}", (options, f"{name.timestamp}.tar.zst")
        case "C":
            head, tail = f"cpython-{name.version}", (options, f"install_only-{name.timestamp}.tar.gz")
        case "D":
            head, tail = f"cpython-{name.version}+{name.build}", (options, "full.tar.zst")
        case "E":
            head, tail = f"cpython-{name.version}+{name.build}", (options, f"{name.flavor}.tar.gz")
    text = "-".join(part for part in (head, platform, link, *tail) if part)
    try:
        parsed = parse_name(text, name.build)
    except ValueError:
        parsed = None
    if parsed != name:
        raise ValueError(f"no asset name of era {name.era} can say {name}")
    return text


def modern_name(
    *, version: Version, build: str, target: Target, cpu: CpuLevel = "baseline", options: BuildOptions, flavor: Flavor
) -> str:
    """The name under which PBS would publish this build today, era D or E; raises `ValueError` if it could not."""
    name = ParsedName(
        era="D" if flavor == "full" else "E",
        version=version,
        build=build,
        target=target,
        cpu=cpu,
        options=options if flavor == "full" else BuildOptions(options.names - OPTIMISATIONS),
        flavor=flavor,
    )
    return format_name(name)


def parse_platform(text: str) -> tuple[Target, CpuLevel, str]:
    """Read a triple as names and catalogs write it: target, x86-64 level and, on Windows, ``shared`` or ``static``."""
    known = _platforms()
    if text in known:
        return (*known[text], "")
    triple, _, link = text.rpartition("-")
    if link in _LINK_MODES and triple in known and known[triple][0].os == "windows":
        return (*known[triple], link)
    raise ValueError(f"{text!r} is not a known target")


def _is_static_unstated(target: Target, build: str) -> bool:
    return target.libc == "musl" and build < MUSL_DYNAMIC_SINCE


def _options(filename: str, target: Target, build: str, *, stated: str | None, link: str | None) -> BuildOptions:
    names = {word for word in re.split(r"[+-]", stated or "") if word}
    if ("static" in names and (target.libc != "musl" or build < MUSL_DYNAMIC_SINCE)) or (
        link is not None and target.os != "windows"
    ):
        raise UnknownNameError(f"{filename!r} names a link mode that builds for {target} never had")
    if link is not None:
        names.add(link)
    if _is_static_unstated(target, build):
        names.add("static")
    return BuildOptions.of(names)


def _flavor(text: str | None) -> Flavor:
    match text:
        case "install_only" | "install_only_stripped":
            return text
        case _:
            return "full"


def _match(filename: str) -> tuple[Era, dict[str, str]]:
    for era, pattern in _patterns():
        match = pattern.fullmatch(filename)
        if match is not None:
            return era, {key: value for key, value in match.groupdict().items() if value is not None}
    raise UnknownNameError(f"{filename!r} is not the name of a python-build-standalone archive")


@cache
def _platforms() -> dict[str, tuple[Target, CpuLevel]]:
    """Every triple by its text, with the levels that x86-64 Linux has."""
    known: dict[str, tuple[Target, CpuLevel]] = {text: (target, "baseline") for text, target in KNOWN_TARGETS.items()}
    levels: tuple[CpuLevel, ...] = ("v2", "v3", "v4")
    for target in KNOWN_TARGETS.values():
        if target.os == "linux" and target.arch == "x86_64":
            known |= {target.with_cpu(level): (target, level) for level in levels}
    return known


@cache
def _patterns() -> tuple[tuple[Era, re.Pattern[str]], ...]:
    number = r"(?:0|[1-9]\d{0,3})"
    version = rf"cpython-(?P<version>{number}\.{number}\.{number}(?:(?:a|b|rc){number})?)"
    tagged = rf"{version}\+(?P<build>\d{{8}})"
    triple = f"-(?P<platform>{'|'.join(map(re.escape, _platforms()))})"
    early = f"-(?P<platform>{'|'.join(map(re.escape, _ERA_A_PLATFORMS))})"
    link = "(?:-(?P<link>shared|static))?"
    options = r"-(?P<options>(?:freethreaded\+)?(?:debug|noopt|pgo\+lto|pgo|lto)(?:\+static)?)"
    timestamp = r"-(?P<timestamp>\d{8}T\d{4})"
    eras: tuple[tuple[Era, str], ...] = (
        (
            "E",
            rf"{tagged}{triple}{link}(?:-(?P<options>freethreaded))?-(?P<flavor>install_only(?:_stripped)?)\.tar\.gz",
        ),
        ("D", rf"{tagged}{triple}{link}{options}-full\.tar\.zst"),
        ("C", rf"{version}{triple}{link}-(?P<flavor>install_only){timestamp}\.tar\.gz"),
        ("B", rf"{version}{triple}{link}{options}{timestamp}\.tar\.zst"),
        ("A", rf"{version}{early}{link}(?:-(?P<options>debug|noopt|pgo))?{timestamp}\.tar\.zst"),
    )
    return tuple((era, re.compile(pattern, re.ASCII)) for era, pattern in eras)


def infer_options(assets: Iterable[Asset], *, by_target: bool = True) -> tuple[Asset, ...]:
    """Complete the options of CPython's ``install_only`` assets; other assets do not change.

    With ``by_target``, PBS's build matrix decides if no sibling is known: right for PBS's own builds only.
    """
    stated = tuple(assets)
    siblings: dict[_SiblingKey, set[frozenset[str]]] = {}
    for asset in stated:
        if asset.implementation == "cpython" and asset.flavor == "full":
            siblings.setdefault(_sibling_key(asset), set()).add(asset.options.names & OPTIMISATIONS)
    return tuple(_completed(asset, siblings, by_target=by_target) for asset in stated)


def optimisations_of(target: Target, cpu: CpuLevel, build: str) -> frozenset[str]:
    """How PBS optimises the fastest builds of a target, according to its own build matrix."""
    if target.os == "windows":
        return _PGO
    if target.os == "macos":
        return _PGO_LTO
    if target.libc != "gnu":
        return _LTO
    match target.arch:
        case "x86_64" | "i686":
            return _LTO if cpu == "v4" and build < _V4_PGO_SINCE else _PGO_LTO
        case "aarch64":
            return _LTO if build < _AARCH64_PGO_SINCE else _PGO_LTO
        case _:
            return _LTO


def is_complete(asset: Asset) -> bool:
    """Whether the options of an asset include its optimisation, or need not."""
    if asset.implementation != "cpython" or asset.flavor == "full":
        return True
    return "debug" in asset.options or not OPTIMISATIONS.isdisjoint(asset.options.names)


def _completed(asset: Asset, siblings: dict[_SiblingKey, set[frozenset[str]]], *, by_target: bool) -> Asset:
    if is_complete(asset):
        return asset
    published = siblings.get(_sibling_key(asset), set())
    fastest = next((options for options in _FASTEST_FIRST if options in published), None)
    if fastest is None:
        fastest = optimisations_of(asset.target, asset.cpu, asset.build) if by_target else frozenset()
    return replace(asset, options=BuildOptions(asset.options.names | fastest))


def _sibling_key(asset: Asset) -> _SiblingKey:
    rest = asset.options.names - OPTIMISATIONS
    return (str(asset.version), asset.build, asset.target, asset.cpu, rest)
