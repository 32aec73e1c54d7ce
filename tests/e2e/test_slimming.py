"""`without`: parts of a tree are left out with everything that only serves them, and the rest works."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from provision.model.tree import REMOVABLE_PARTS, RemovablePart
from provision.unpack.selection import excluded_by
from tests.e2e.conftest import Offer
from tests.support.builds import Build
from tests.support.project import Project

PARTS: tuple[RemovablePart, ...] = tuple(sorted(REMOVABLE_PARTS))
# What must be importable whatever is left out; the names below say which part the others belong to.
CORE = "asyncio, ctypes, json, lzma, multiprocessing, sqlite3, ssl, sysconfig, unittest, urllib.request, venv, zoneinfo"


def declare(offer: Offer, builds: tuple[Build, ...], *without: str) -> Project:
    """An entry for each build, with parts left out."""
    entries = "".join(
        f"{build.label} = {build.entry.removesuffix(' }')}, without = {json.dumps(without)} }}\n" for build in builds
    )
    return offer(builds, entries)


def names(tree: Path) -> set[str]:
    return {path.relative_to(tree).as_posix() for path in tree.rglob("*") if not path.is_dir() or path.is_symlink()}


def tree_of(project: Project, build: Build) -> Path:
    return Path(project.run("which", build.label, "--store").out.strip()).parent.parent


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, builds: tuple[Build, ...]) -> dict[str, set[str]]:
    """All names of each tree from which nothing was left out, by the build's label."""
    project = Project(tmp_path_factory.mktemp("whole") / "project")
    folder = builds[0].archive.parent
    entries = "".join(
        f'{build.label} = {{ version = "{build.name.version}{build.name.options.abi_suffix}", '
        f'url = {{ {build.name.target} = "{(folder / build.archive.name).as_uri().replace("+", "%2B")}" }}, '
        f'sha256 = {{ {build.name.target} = "{build.sha256}" }} }}\n'
        for build in builds
    )
    project.write(f"[pythons]\n{entries}")
    project.run("sync")
    return {build.label: names(tree_of(project, build)) for build in builds}


@pytest.mark.parametrize(
    "part", [part if part == "tests" else pytest.param(part, marks=pytest.mark.slow) for part in PARTS]
)
def test_only_the_excluded_part_is_missing(
    offer: Offer, builds: tuple[Build, ...], whole: dict[str, set[str]], part: RemovablePart
) -> None:
    project = declare(offer, builds[:1], part)
    project.run("sync")
    tree, gone = tree_of(project, builds[0]), excluded_by([part])
    lost = whole[builds[0].label] - names(tree)
    assert not any(map(gone, names(tree)))
    dangling = [path for path in names(tree) if (tree / path).is_symlink() and not (tree / path).exists()]
    assert dangling == []
    assert all(gone(path) or path.rpartition("/")[2].startswith(("idle", "2to3")) for path in lost)
    project.run("verify")


@pytest.mark.slow
def test_an_interpreter_without_any_optional_part_works(
    offer: Offer, builds: tuple[Build, ...], tmp_path: Path
) -> None:
    project = declare(offer, builds, *PARTS)
    project.run("sync")
    for build in builds:
        python = project.run("which", build.label, "--store").out.strip()
        subprocess.run([python, "-I", "-c", f"import {CORE}"], check=True)
        for lost in ("tkinter", "turtle", "idlelib", "ensurepip"):
            assert subprocess.run([python, "-I", "-c", f"import {lost}"], capture_output=True, check=False).returncode
        environment = tmp_path / f"venv {build.label}"
        subprocess.run([python, "-m", "venv", "--without-pip", environment], check=True)
        prefix = "import sys; print(sys.prefix, sys.base_prefix, sep='\\n')"
        said = subprocess.run(
            [environment / "bin" / "python", "-I", "-c", prefix], check=True, capture_output=True, text=True
        )
        assert said.stdout.splitlines() == [str(environment), str(Path(python).parent.parent)]
        pip = subprocess.run([python, "-m", "pip", "--version"], check=False, capture_output=True, text=True)
        assert pip.returncode == 0, "an installed pip stays: only ensurepip goes"


@pytest.mark.slow
def test_a_virtual_environment_with_pip_requires_only_ensurepip(
    offer: Offer, builds: tuple[Build, ...], tmp_path: Path
) -> None:
    project = declare(offer, builds[:1], *(part for part in PARTS if part != "ensurepip"))
    project.run("sync")
    python = project.run("which", builds[0].label, "--store").out.strip()
    subprocess.run([python, "-m", "venv", tmp_path / "venv"], check=True, capture_output=True)
    subprocess.run([tmp_path / "venv/bin/pip", "--version"], check=True, capture_output=True)


def test_request_key_and_digest_depend_on_the_excluded_parts(offer: Offer, builds: tuple[Build, ...]) -> None:
    seen = [told(declare(offer, builds[:1], *without)) for without in ((), ("idle",), ("tests",), ("tests", "idle"))]
    for values in zip(*seen, strict=True):
        assert len(set(values)) == len(seen)
    in_another_order = declare(offer, builds[:1], "idle", "tests")
    in_another_order.run("lock")
    assert seen[-1][0] in in_another_order.lock.read_text()


def told(project: Project) -> tuple[str, str, str]:
    """The digest of the request, the key and the tree digest of the one entry, once it is installed."""
    (row,) = project.run("sync", "--json").document()["installed"]
    (request,) = (line for line in project.lock.read_text().splitlines() if line.startswith("request ="))
    return request, row["key"], row["tree-digest"]


@pytest.mark.slow
def test_two_installs_are_equal(offer: Offer, builds: tuple[Build, ...], tmp_path: Path) -> None:
    project = declare(offer, builds[:1], *PARTS)
    first = project.run("sync", "--json").document()["installed"]
    second = project.run("sync", "--frozen", "--home", tmp_path / "another home", "--json").document()["installed"]
    assert first == second
    same = subprocess.run(
        ["diff", "-r", "--no-dereference", project.home / "store", tmp_path / "another home" / "store"],
        capture_output=True,
        check=False,
    )
    assert (same.returncode, same.stdout) == (0, b"")


def test_the_error_of_an_unknown_part_suggests_one(project: Project) -> None:
    project.write('[pythons]\none = { version = "3.13", without = ["test"] }\n')
    said = project.run("lock", expect=2).err
    assert "'tests'" in said


def test_the_manual_has_every_part() -> None:
    manual = (Path(__file__).parents[2] / "docs" / "manifest.md").read_text()
    section = manual.partition("## Parts to leave out")[2].partition("\n## ")[0]
    assert tuple(re.findall(r"^\| `([a-z-]+)` \|", section, re.MULTILINE)) == PARTS
