"""What builds of PBS contain: the rules of each system, series and year, taken from PBS's own files."""

from __future__ import annotations

import json

import pytest

from provision.catalog.catalog import Catalog
from provision.catalog.components import Component, ComponentTable, bundled_table, components_of
from provision.catalog.pbs import RELEASES
from provision.catalog.snapshot import bundled_snapshot
from provision.model.asset import Asset, BuildOptions, Digest, Flavor, Implementation
from provision.model.target import Target
from provision.model.value import replace
from provision.model.version import Version
from tools.components.__main__ import condense

LINUX, MUSL = "linux-x86_64", "linux-x86_64-musl"
MAC = "macos-aarch64"
WINDOWS, WINDOWS_ARM = "windows-x86_64", "windows-aarch64"
CPYTHON, SYSTEM, UNKNOWN, ABSENT = "inside CPython", "the system's", "not known", "none"


def build(
    tag: str,
    target: str,
    version: str,
    *,
    options: str = "",
    flavor: Flavor = "install_only_stripped",
    implementation: Implementation = "cpython",
) -> Asset:
    return Asset(
        implementation=implementation,
        version=Version.parse(version),
        build=tag,
        target=Target.parse(target),
        options=BuildOptions.parse(options),
        flavor=flavor,
        url=f"{RELEASES}{tag[:8]}/an-archive.tar.gz",
        sha256=Digest("0" * 64),
    )


def words(component: Component) -> str:
    return component.version or {"cpython": CPYTHON, "system": SYSTEM, "unknown": UNKNOWN}[component.origin]


def contents(asset: Asset) -> dict[str, str]:
    found = components_of(asset, bundled_table())
    assert found is not None
    return {component.name: words(component) for component in found}


@pytest.mark.parametrize(
    ("tag", "target", "version", "expected"),
    [
        # One OpenSSL for every series on Unix, by `needs`; on Windows, 3.10 and older always have 1.1.1w.
        ("20220528", LINUX, "3.10.4", {"openssl": "1.1.1o"}),
        ("20231002", LINUX, "3.8.18", {"openssl": "3.0.11"}),
        ("20250902", LINUX, "3.10.18", {"openssl": "3.0.16"}),
        ("20250918", LINUX, "3.9.23", {"openssl": "3.5.3"}),
        ("20260814", MAC, "3.14.7", {"openssl": "3.5.7"}),
        ("20230826", WINDOWS, "3.11.5", {"openssl": "1.1.1v"}),
        ("20260814", WINDOWS, "3.10.21", {"openssl": "1.1.1w"}),
        ("20250902", WINDOWS, "3.11.13", {"openssl": "3.0.16"}),
        ("20250918", WINDOWS, "3.11.13", {"openssl": "3.5.3"}),
        # musl had LibreSSL until 20210724.
        ("20210724T1424", MUSL, "3.9.6", {"libressl": "3.3.3", "openssl": ABSENT, "musl": "1.2.2"}),
        ("20210724T1424", LINUX, "3.9.6", {"openssl": "1.1.1k", "libressl": ABSENT}),
        ("20211017T1616", MUSL, "3.9.7", {"openssl": "1.1.1l", "libressl": ABSENT}),
        # readline and gdbm: 3.8 and 3.9 until 20221220; libedit replaces them.
        ("20220528", LINUX, "3.9.13", {"readline": "8.1.2", "gdbm": "1.21", "libedit": ABSENT}),
        ("20220528", "linux-i686", "3.9.13", {"readline": "8.1.2", "gdbm": ABSENT}),
        ("20220528", LINUX, "3.10.4", {"readline": ABSENT, "gdbm": ABSENT, "libedit": "20210910-3.1"}),
        ("20230116", LINUX, "3.9.16", {"readline": ABSENT, "gdbm": ABSENT, "libedit": "20210910-3.1"}),
        # expat and mpdecimal are PBS's own since 20230116; on Windows expat never is, mpdecimal from 3.13 on.
        ("20221220", LINUX, "3.11.1", {"expat": CPYTHON, "mpdecimal": CPYTHON}),
        ("20230116", LINUX, "3.11.1", {"expat": "2.5.0", "mpdecimal": "2.5.1"}),
        ("20260814", WINDOWS, "3.12.14", {"expat": CPYTHON, "mpdecimal": CPYTHON}),
        ("20260814", WINDOWS, "3.13.15", {"expat": CPYTHON, "mpdecimal": "4.0.0"}),
        # zstd only since 3.14, though the table has it for all.
        ("20260814", LINUX, "3.13.15", {"zstd": ABSENT, "zlib": "1.3.2"}),
        ("20260814", LINUX, "3.14.7", {"zstd": "1.5.7", "zlib": "1.3.2", "zlib-ng": ABSENT}),
        ("20260814", WINDOWS, "3.13.15", {"zstd": ABSENT, "zlib": "1.3.2", "zlib-ng": ABSENT}),
        ("20260814", WINDOWS, "3.14.7", {"zstd": "1.5.7", "zlib": ABSENT, "zlib-ng": "2.2.4"}),
        ("20250409", WINDOWS, "3.14.0a6", {"zstd": ABSENT, "zlib": "1.3.1", "zlib-ng": ABSENT}),
        # Berkeley DB in every Linux build, whatever the series; X11 on Linux only.
        ("20260814", LINUX, "3.14.7", {"bdb": "6.0.19", "libX11": "1.8.13"}),
        ("20260814", MUSL, "3.15.0rc1", {"bdb": "6.0.19"}),
        ("20260814", MAC, "3.14.7", {"bdb": ABSENT, "libX11": ABSENT}),
        # macOS takes zlib, ncurses and libedit from the system.
        ("20260814", MAC, "3.13.15", {"zlib": SYSTEM, "ncurses": SYSTEM, "libedit": SYSTEM}),
        ("20220318", MAC, "3.10.3", {"zlib": "1.2.11", "ncurses": SYSTEM}),
        # setuptools stayed in 3.12 for a year.
        ("20240814", LINUX, "3.12.5", {"setuptools": "70.3.0"}),
        ("20240909", LINUX, "3.12.6", {"setuptools": ABSENT, "pip": "24.1.2", "pip (in ensurepip)": CPYTHON}),
        ("20240909", LINUX, "3.11.10", {"setuptools": "70.3.0"}),
        ("20240814", WINDOWS, "3.12.5", {"setuptools": "70.3.0"}),
        # libffi: musl stayed at 3.3 from 20240224 on; Windows has CPython's.
        ("20260814", MUSL, "3.13.15", {"libffi": "3.3"}),
        ("20260814", LINUX, "3.13.15", {"libffi": "3.4.6"}),
        ("20260814", WINDOWS, "3.13.15", {"libffi": "3.4.2"}),
        ("20211017T1616", WINDOWS, "3.9.7", {"libffi": "3.3"}),
        # Tcl/Tk on Windows: four ways in two years, and one typo of upstream's.
        ("20211017T1616", WINDOWS, "3.9.7", {"tcl": "8.6.9", "tk": "8.6.9"}),
        ("20250106", WINDOWS, "3.13.1", {"tcl": "8.6.12"}),
        ("20250612", WINDOWS, "3.13.5", {"tcl": "8.6.12"}),
        ("20250612", WINDOWS, "3.14.0b3", {"tcl": "8.6.14"}),
        ("20250630", WINDOWS_ARM, "3.13.5", {"tcl": "8.6.14"}),
        ("20260728", WINDOWS, "3.14.6", {"tcl": "9.0.3"}),
        ("20260814", WINDOWS, "3.14.7", {"tcl": "9.0.4"}),
        ("20260814", WINDOWS_ARM, "3.13.15", {"tcl": "8.6.14"}),
        ("20260814", WINDOWS, "3.13.15", {"tcl": "8.6.12", "tix": ABSENT}),
        ("20250807", LINUX, "3.13.6", {"tix": "8.4.3.6"}),
        ("20250808", LINUX, "3.13.6", {"tix": ABSENT, "tcl": "8.6.14"}),
        # SQLite's fourth number is PBS's.
        ("20231002", LINUX, "3.12.0", {"sqlite": "3.43.1"}),
        ("20260814", LINUX, "3.12.14", {"sqlite": "3.53.1"}),
    ],
)
def test_the_components_of_a_build_are_known(tag: str, target: str, version: str, expected: dict[str, str]) -> None:
    found = contents(build(tag, target, version))
    assert {name: found.get(name, ABSENT) for name in expected} == expected


@pytest.mark.parametrize(
    ("tag", "options", "expected"),
    [
        ("20250212", "", "1.2.5"),
        ("20250212", "static", "1.2.5"),
        ("20250311", "", ABSENT),
        ("20250311", "static", "1.2.5"),
        ("20230826", "", "1.2.4"),
    ],
)
def test_static_builds_contain_musl(tag: str, options: str, expected: str) -> None:
    assert contents(build(tag, MUSL, "3.12.0", options=options)).get("musl", ABSENT) == expected


def test_static_builds_for_windows_have_no_tcl() -> None:
    found = contents(build("20240224", WINDOWS, "3.12.2", options="static+pgo", flavor="full"))
    assert not {"tcl", "tk"} & set(found)


def test_full_archives_of_3_9_have_libedit_and_readline() -> None:
    found = contents(build("20220528", LINUX, "3.9.13", flavor="full"))
    assert (found["readline"], found["libedit"]) == ("8.1.2", "20210910-3.1")


@pytest.mark.parametrize("options", ["freethreaded", "debug", "pgo+lto", "freethreaded+debug"])
@pytest.mark.parametrize("target", [LINUX, MAC, WINDOWS])
def test_build_options_and_levels_do_not_change_components(target: str, options: str) -> None:
    plain = build("20260814", target, "3.14.7")
    assert contents(replace(plain, options=BuildOptions.parse(options), cpu="v3")) == contents(plain)


@pytest.mark.parametrize(
    "asset",
    [
        build("20261021", LINUX, "3.14.9"),  # an unknown tag
        build("20250323", LINUX, "3.13.2"),  # a tag of 2026 that was named after 2025
        build("20210506", LINUX, "3.9.5"),  # older than the rules
        replace(
            build("20260814", LINUX, "3.14.7"), url="https://example.org/an-archive.tar.gz"
        ),  # of another publisher
        replace(build("20260814", LINUX, "3.14.7"), url=f"{RELEASES}20260610/a.tar.gz"),  # of another release
        build("7.3.20", LINUX, "3.11.13", implementation="pypy"),
        build("20260814", "linux-s390x", "3.14.7", implementation="graalpy"),
        build("20220528", "linux-riscv64", "3.10.4"),  # a target that this tag did not have
    ],
)
def test_unknown_components_are_not_guessed(asset: Asset) -> None:
    assert components_of(asset, bundled_table()) is None


@pytest.mark.parametrize(
    ("tag", "target", "known"),
    [
        ("20260825", LINUX, {"openssl": "3.5.8", "libffi": "3.4.8"}),
        ("20260825", MUSL, {"openssl": "3.5.8"}),
        ("20260825", WINDOWS, {"openssl": "3.5.8"}),
        ("20260901", WINDOWS, {}),
        ("20261110", LINUX, {"expat": "2.10.0", "pip": "26.3", "zlib": "1.4"}),
        ("20261110", MAC, {"expat": "2.10.0", "pip": "26.3"}),
    ],
)
def test_of_a_tag_with_release_notes_only_the_listed_components_are_known(
    tag: str, target: str, known: dict[str, str]
) -> None:
    found = contents(build(tag, target, "3.14.7"))
    fixed = (UNKNOWN, CPYTHON, SYSTEM)
    assert {name: version for name, version in found.items() if version not in fixed} == known
    assert set(found) == set(contents(build("20260814", target, "3.14.7")))


def document() -> dict[str, object]:
    """The table of a later tag, whose names are newer than the rules."""
    versions = {"openssl-4.0": "4.0.1", "libuv": "2.0", "sqlite": "3.60.0.0"}
    targets = {"x86_64-unknown-linux-gnu": ["libuv", "openssl-4.0", "sqlite", "tcl"]}
    return condense({"20270101": {"components": versions, "targets": targets}})


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (LINUX, {"openssl": UNKNOWN, "libuv": UNKNOWN, "sqlite": "3.60.0", "tcl": UNKNOWN}),
        (WINDOWS, {"openssl": UNKNOWN, "sqlite": "3.60.0", "tcl": UNKNOWN, "tk": UNKNOWN, "zlib-ng": UNKNOWN}),
    ],
)
def test_components_newer_than_the_rules_are_not_known(target: str, expected: dict[str, str]) -> None:
    table = ComponentTable.read(json.loads(json.dumps(document())))
    found = components_of(build("20270101", target, "3.14.9"), table)
    assert found is not None
    versions = {component.name: words(component) for component in found}
    assert {name: versions.get(name, ABSENT) for name in expected} == expected


def test_every_component_version_of_every_known_build_is_known() -> None:
    table = bundled_table()
    catalog = Catalog(sources=(bundled_snapshot(),))
    judged = 0
    for version in catalog.versions("cpython"):
        for tag in catalog.builds("cpython", version):
            if tag[:8] not in table.tags or tag < "20210724":
                continue
            kinds = {(asset.target, asset.flavor == "full"): asset for asset in catalog.assets("cpython", version, tag)}
            for asset in kinds.values():
                found = components_of(asset, table)
                assert found is not None, asset
                assert {component.name for component in found if component.origin == "unknown"} == set(), asset
                assert len({component.name for component in found}) == len(found), asset
                judged += 1
    assert judged > 3000
