"""The components of the interpreters in a lock: flat, each once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from provision.catalog.components import bundled_table
from provision.model.asset import Asset
from provision.model.tree import RemovablePart
from provision.model.value import replace
from provision.sbom.inventory import BomComponent, Inventory, take_inventory
from provision.workflows.lock import lock
from provision.workflows.options import Options
from provision.workflows.sbom import licences
from tests.lock.samples import asset, digest
from tests.review.test_components import GNU, MAC, WINDOWS, entry
from tests.sbom.samples import LOCKED, OTHERS, PYPY, inventory, rows
from tests.support.project import Project


def interpreter(found: Inventory, target: str) -> BomComponent:
    return next(each for each in found.components if ("provision:target", target) in each.properties)


def contained(found: Inventory, target: str) -> dict[str, BomComponent]:
    refs = interpreter(found, target).contains
    assert refs is not None
    return {each.name: each for each in found.components if each.ref in refs}


def test_a_library_that_several_interpreters_contain_is_one_component() -> None:
    found = inventory(*rows(LOCKED))
    names = [each.name for each in found.components]
    assert names.count("python") == 3
    assert names.count("openssl") == 1
    assert {contained(found, target)["openssl"].ref for target in (GNU, MAC, WINDOWS)} == {"openssl@3.5.6"}


def test_every_ref_is_unique_and_every_contained_one_exists() -> None:
    components = inventory().components
    refs = [each.ref for each in components]
    assert len(set(refs)) == len(refs)
    assert {ref for each in components for ref in each.contains or ()} < set(refs)


def test_libraries_vendored_in_cpython_have_no_version_and_a_path() -> None:
    expat = contained(inventory(*rows(LOCKED)), WINDOWS)["expat"]
    assert (expat.version, expat.cpe, expat.purl) == ("", "", "")
    assert expat.properties == (("provision:version", "inside CPython 3.13.13"),)
    assert contained(inventory(*rows(LOCKED)), GNU)["expat"].version


def test_libraries_of_the_system_are_left_out() -> None:
    found = inventory(*rows(LOCKED))
    assert "zlib" in contained(found, GNU)
    assert not {"zlib", "ncurses", "libedit"} & set(contained(found, MAC))


def test_a_version_that_is_not_known_is_not_shared_between_builds() -> None:
    """For tags with only release notes, each may have a different version of zlib."""
    found = inventory(*rows(entry("3.13.15+20260825", (GNU,)), entry("3.13.15+20260901", (GNU,))))
    unknown = [each for each in found.components if each.name == "zlib"]
    assert [each.properties for each in unknown] == [
        (("provision:version", f"not known in 3.13.15+{build}"),) for build in ("20260825", "20260901")
    ]


@pytest.mark.parametrize("each", [OTHERS, PYPY, replace(LOCKED.assets[0], build="20991231")])
def test_unknown_contents_are_not_listed_as_empty(each: Asset) -> None:
    (component,) = inventory(("default", each)).components
    assert component.contains is None
    assert ("provision:components", "not known") in component.properties


def test_pypy_has_its_own_version() -> None:
    (component,) = inventory(("pypy", PYPY)).components
    assert (component.name, component.version) == ("pypy", "7.3.20")
    assert ("provision:python-version", "3.11.15") in component.properties


def test_an_archive_locked_several_times_is_one_component() -> None:
    mirrored = replace(OTHERS, url="https://mirror.example.com/a.tar.gz")
    (component,) = inventory(("one", OTHERS), ("two", OTHERS), ("three", mirrored)).components
    assert {value for name, value in component.properties if name == "provision:entry"} == {"one", "two", "three"}
    assert component.urls == (OTHERS.url, mirrored.url)
    assert component.sha256 == OTHERS.sha256.hex


def test_the_order_of_the_rows_changes_nothing() -> None:
    pairs = [*rows(LOCKED), ("pypy", PYPY), ("own", OTHERS)]
    assert inventory(*pairs) == inventory(*reversed(pairs))


def test_the_serial_number_is_derived_from_the_content() -> None:
    assert inventory().serial == inventory(epoch=1).serial
    others = [inventory(("own", OTHERS)), inventory(("other", OTHERS)), inventory(*rows(LOCKED))]
    assert len({each.serial for each in others}) == 3


@pytest.mark.parametrize(
    ("assets", "epoch", "created"),
    [
        ([asset("3.14.7+20260814"), asset("3.13.1+20250115")], None, "2026-08-14T00:00:00Z"),
        ([asset("3.14.7+20260814", published="2026-08-15T10:00:00Z")], None, "2026-08-15T00:00:00Z"),
        ([asset("3.14.7+20269999")], None, "1970-01-01T00:00:00Z"),
        ([PYPY], None, "1970-01-01T00:00:00Z"),
        ([asset()], 0, "1970-01-01T00:00:00Z"),
        ([asset()], 1790000000, "2026-09-21T14:13:20Z"),
        ([asset()], 253402300799, "9999-12-31T23:59:59Z"),
    ],
)
def test_the_time_is_that_of_the_newest_build_or_of_the_epoch(
    assets: list[Asset], epoch: int | None, created: str
) -> None:
    assert inventory(*(("default", each) for each in assets), epoch=epoch).created == created


def test_the_size_depends_only_on_the_number_of_interpreters() -> None:
    """Each entry adds its interpreters, and no second copy of the same libraries."""

    def size(entries: int) -> int:
        pairs = [
            (str(number), replace(each, sha256=digest(f"{number} {each.url}")))
            for number in range(entries)
            for each in LOCKED.assets
        ]
        return len(inventory(*pairs).components)

    assert [size(entries) - size(1) for entries in (2, 11, 41)] == [3, 30, 120]


def libraries(without: Mapping[str, tuple[RemovablePart, ...]], *pairs: tuple[str, Asset]) -> tuple[set[str], set[str]]:
    """The names of the libraries, and what is said to be left out."""
    taken = take_inventory("pythons.lock", pairs, bundled_table(), epoch=None, without=without).components
    said = {value for each in taken for name, value in each.properties if name == "provision:without"}
    return {each.name for each in taken if each.kind == "library"}, said


def test_components_of_excluded_parts_are_not_listed() -> None:
    gnu, windows = (next(each for each in LOCKED.assets if each.target.os == name) for name in ("linux", "windows"))
    whole, said = libraries({}, ("one", gnu))
    assert {"pip (in ensurepip)", "tcl", "tk"} <= whole
    assert said == set()
    slim, said = libraries({"one": ("ensurepip", "tkinter")}, ("one", gnu))
    # On Unix, Tcl and Tk may be linked into the interpreter.
    assert (whole - slim, said) == ({"pip (in ensurepip)"}, {"ensurepip, tkinter"})
    whole, _ = libraries({}, ("one", windows))
    slim, _ = libraries({"one": ("tkinter",)}, ("one", windows))
    assert whole - slim == {"tcl", "tk"}
    # Another entry has the same archive, and all of it.
    both, said = libraries({"one": ("ensurepip", "tkinter")}, ("one", windows), ("two", windows))
    assert (both, said) == (whole, {"ensurepip, tkinter"})


def test_licences_leave_out_the_same_components(tmp_path: Path) -> None:
    project = Project(tmp_path / "project")
    project.write(
        '[settings]\ntargets = ["windows-x86_64"]\n[pythons]\nwhole = "3.13.5"\n'
        'slim = { version = "3.13.5", without = ["ensurepip", "tkinter"] }\n'
    )
    options = Options.of(project.environ(), manifest=project.manifest, offline=True)
    lock(options)
    found: dict[str, set[str]] = {"whole": set(), "slim": set()}
    for row in licences(options).rows:
        found[row.entry].add(row.component)
    assert found["whole"] - found["slim"] == {"pip (in ensurepip)", "tcl", "tk"}
