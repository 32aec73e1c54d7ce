"""`bytecode = "unchecked-hash"`: compiled by the tree's own interpreter, to the same bytes everywhere."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.e2e.conftest import Offer
from tests.support.builds import Build
from tests.support.project import Project

# Compiling a whole standard library takes seconds; this is what remains when everything that can be left out is.
LESS = '["ensurepip", "headers", "idle", "terminfo", "tests", "tkinter"]'
SHOW = "import json; print(json.__cached__)"


def declare(offer: Offer, build: Build, more: str) -> Project:
    return offer([build], f"one = {build.entry.removesuffix(' }')}, without = {LESS}{more} }}")


@pytest.fixture
def compiled(offer: Offer, builds: tuple[Build, ...]) -> Project:
    return declare(offer, builds[0], ', bytecode = "unchecked-hash"')


def tree_of(project: Project) -> Path:
    return Path(project.run("which", "one", "--store").out.strip()).parent.parent


@pytest.mark.slow
def test_two_homes_get_the_same_bytes_including_bytecode(compiled: Project, tmp_path: Path) -> None:
    other = tmp_path / "somewhere else entirely"
    first = compiled.run("sync", "--json").document()["installed"]
    second = compiled.run("sync", "--frozen", "--home", other, "--json").document()["installed"]
    assert first == second
    same = subprocess.run(
        ["diff", "-r", "--no-dereference", compiled.home / "store", other / "store"], capture_output=True, check=False
    )
    assert (same.returncode, same.stdout) == (0, b"")
    caches = list(tree_of(compiled).rglob("*.pyc"))
    assert len(caches) > 400
    # PEP 552: the flags behind the magic number say that the source is not looked at.
    assert {path.read_bytes()[4:8] for path in caches} == {b"\x01\0\0\0"}
    for path in caches:
        assert str(compiled.home).encode() not in path.read_bytes()


@pytest.mark.slow
def test_the_interpreter_uses_the_bytecode_and_verify_finds_no_difference(compiled: Project) -> None:
    compiled.run("sync")
    tree = tree_of(compiled)
    cached = Path(compiled.run("run", "one", "--", "python", "-I", "-c", SHOW).out.strip())
    assert cached.resolve().is_relative_to(tree)
    before = cached.stat().st_mtime_ns
    source = cached.parent.parent / "__init__.py"
    source.touch()
    compiled.run("run", "one", "--", "python", "-I", "-c", SHOW)
    assert cached.stat().st_mtime_ns == before
    compiled.run("verify")


@pytest.mark.slow
def test_bytecode_changes_the_key_but_not_the_tree_digest(offer: Offer, builds: tuple[Build, ...]) -> None:
    plain, compiled = (
        declare(offer, builds[0], more).run("sync", "--json").document()["installed"][0]
        for more in ("", ', bytecode = "unchecked-hash"')
    )
    assert plain["key"] != compiled["key"]
    assert plain["tree-digest"] == compiled["tree-digest"]
    assert not list((offer.project.home / "store" / plain["key"]).rglob("*.pyc"))


def test_another_kind_of_bytecode_is_refused(project: Project) -> None:
    project.write('[pythons]\none = { version = "3.13", bytecode = "timestamp" }\n')
    assert "unchecked-hash" in project.run("lock", expect=2).err
