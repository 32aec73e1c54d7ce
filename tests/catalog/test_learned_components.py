"""PBS's files at a tag, read as text: small ones of the same form, and hostile ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from provision.catalog.components import ComponentTable, LearnedTag, bundled_table, components_of
from provision.catalog.learned_components import (
    known_table,
    learn_tag,
    read_needs,
    read_versions,
    save_learned,
    unknown_tags,
)
from provision.errors import CatalogError, NetworkError
from provision.model.value import replace
from tests.catalog.test_components import LINUX, UNKNOWN, WINDOWS, build, words
from tests.fetch.samples import fetcher
from tests.lock.samples import asset, catalog
from tests.support.server import Server

TAG = "20270101"
DOWNLOADS = b"""\
# Comments, and a dictionary of literals.
DOWNLOADS = {
    "autoconf": {"url": "https://example.com/autoconf", "size": 1, "version": "2.72"},
    "openssl-3.5": {"size": 2, "version": "3.5.9", "licenses": ["Apache-2.0"]},
    # The version in the file name is another one.
    "sqlite": {"version": "3540000", "actual_version": "3.54.0.0"},
    "zlib": {"version": "1.4"},
    "strange": {"version": 5},
}
"""
TARGETS = b"""\
---
# One target.
x86_64-unknown-linux-gnu:
  host_platforms:
    - linux_x86_64
  needs_toolchain: true
  needs:
    - autoconf
    # A comment.
    - openssl-3.5

    - sqlite
    - 'zlib'
    - wonder
  openssl_target: linux-x86_64
  target_cflags:
    - '-O2'
x86_64-pc-windows-msvc:
  needs:
    - openssl-3.5
"""


def table(versions: bytes = DOWNLOADS) -> ComponentTable:
    learned = LearnedTag(versions=read_versions(versions), needs=read_needs(TARGETS))
    return replace(bundled_table(), learned={TAG: learned})


def contents(target: str, known: ComponentTable) -> dict[str, str]:
    found = components_of(build(TAG, target, "3.13.20"), known)
    assert found is not None
    return {component.name: words(component) for component in found}


def test_versions_and_dependencies_are_read() -> None:
    assert read_versions(DOWNLOADS) == {"autoconf": "2.72", "openssl-3.5": "3.5.9", "sqlite": "3.54.0.0", "zlib": "1.4"}
    assert read_needs(TARGETS) == {
        "x86_64-unknown-linux-gnu": ("openssl-3.5", "sqlite", "wonder", "zlib"),
        "x86_64-pc-windows-msvc": ("openssl-3.5",),
    }


def test_a_downloaded_tag_gives_known_and_unknown_components_of_its_builds() -> None:
    found = contents(LINUX, table())
    assert (found["openssl"], found["sqlite"], found["zlib"]) == ("3.5.9", "3.54.0", "1.4")
    assert (found["wonder"], found["pip"]) == (UNKNOWN, UNKNOWN)
    assert "autoconf" not in found
    assert components_of(build("20270102", LINUX, "3.13.20"), table()) is None


@pytest.mark.parametrize(
    ("entry", "component", "before"), [("openssl-4.0", "openssl", "3.5.9"), ("tk-windows-bin-905", "tcl", UNKNOWN)]
)
def test_a_component_with_an_entry_newer_than_the_rules_is_not_known(entry: str, component: str, before: str) -> None:
    assert contents(WINDOWS, table())[component] == before
    newer = DOWNLOADS.replace(b'"strange"', f'"{entry}": {{"version": "1"}}, "strange"'.encode())
    assert contents(WINDOWS, table(newer))[component] == UNKNOWN


def test_components_defined_in_the_code_of_a_downloaded_tag_are_not_known() -> None:
    assert contents(WINDOWS, table())["libffi"] == UNKNOWN


@pytest.mark.parametrize(
    "source",
    [
        b"",
        b"DOWNLOADS = open('/etc/passwd')",
        b"DOWNLOADS = {}; DOWNLOADS = {}",
        b"DOWNLOADS = []",
        b"DOWNLOADS = {'a': 'b'}",
        b"DOWNLOADS = {**{}}",
        b"DOWNLOADS = {(): {'version': [}",
        b"DOWNLOADS = " + b"[" * 9999,
        b"DOWNLOADS = " + b"-" * 99999 + b"1",
        b"DOWNLOADS = {} # " + b"x" * (1 << 20),
    ],
    ids=str,
)
def test_downloads_of_another_form_are_one_error(source: bytes) -> None:
    with pytest.raises(CatalogError):
        read_versions(source)


def test_nothing_in_the_file_is_executed(tmp_path: Path) -> None:
    touched = tmp_path / "touched"
    run = f"__import__('pathlib').Path({str(touched)!r}).touch()\n".encode()
    assert read_versions(run + DOWNLOADS)["zlib"] == "1.4"
    with pytest.raises(CatalogError):
        read_versions(b"DOWNLOADS = {'zlib': {'version': " + run.strip() + b"}}")
    assert not touched.exists()


@pytest.mark.parametrize(
    "source",
    [
        b"",
        b"a:\n  needs: [zlib]\n",
        b"a:\n  needs: *common\n",
        b"a:\n  needs:\n    - zlib: 1\n",
        b"a:\n  needs:\n      - zlib\n",
        b"a:\n  needs:\n    - zlib\n  needs:\n    - xz\n",
        b"  needs:\n    - zlib\n",
        b"a: &x\n  needs:\n    - zlib\n",
        b"a:\n  needs:\n    - zlib" + b" " * (1 << 20),
    ],
    ids=str,
)
def test_dependencies_of_another_form_are_one_error(source: bytes) -> None:
    with pytest.raises(CatalogError):
        read_needs(source)


def test_the_components_of_a_tag_are_downloaded_and_saved(server: Server, tmp_path: Path) -> None:
    server.put(f"{TAG}/pythonbuild/downloads.py", DOWNLOADS)
    with fetcher(tmp_path) as fetch:
        with pytest.raises(NetworkError, match=r"targets\.yml"):
            learn_tag(TAG, get=fetch.get, files=server.url)
        server.put(f"{TAG}/cpython-unix/targets.yml", b"<html>")
        with pytest.raises(CatalogError, match=r"targets\.yml: no target has a list of needs"):
            learn_tag(TAG, get=fetch.get, files=server.url)
        server.put(f"{TAG}/cpython-unix/targets.yml", TARGETS)
        learned = learn_tag(TAG, get=fetch.get, files=server.url)
    save_learned(tmp_path, {TAG: learned})
    save_learned(tmp_path, {"20270108": learned})
    assert dict(known_table(tmp_path).learned) == {TAG: learned, "20270108": learned}


@pytest.mark.parametrize(
    "damaged", ["", "[]", "{}", '{"version": 2}', '{"version": 1, "tags": {"a": {"versions": 1}}}']
)
def test_a_damaged_file_counts_as_missing(tmp_path: Path, damaged: str) -> None:
    (tmp_path / "components.json").write_text(damaged)
    assert known_table(tmp_path) == bundled_table()
    rows = {"versions": {"zlib": 1}, "needs": {}}
    (tmp_path / "components.json").write_text(json.dumps({"version": 1, "tags": {TAG: rows}}))
    assert known_table(tmp_path) == bundled_table()


def test_only_tags_newer_than_the_table_and_not_saved_are_requested() -> None:
    known = catalog(*(asset(f"3.13.5+{tag}") for tag in ("20250702", "20270101", "20270108", "mine")))
    assert unknown_tags(known, table()) == ["20270108"]
    assert unknown_tags(known, bundled_table()) == ["20270108", "20270101"]
