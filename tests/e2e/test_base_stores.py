"""Read-only stores, in addition to the store of a user: PROVISION_STORES."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.builds import Build, write_catalog
from tests.support.project import Project
from tests.support.server import Server
from tests.support.small import small_build

_NAMES = ("one", "two", "three")


@pytest.fixture
def builds(tmp_path: Path, server: Server) -> list[Build]:
    found = [small_build(tmp_path / "builds", number) for number in (1, 2, 3)]
    write_catalog(server.root, found)
    return found


@pytest.fixture
def project(tmp_path: Path, server: Server, builds: list[Build]) -> Project:
    made = Project(tmp_path / "project")
    entries = "".join(f"{name} = {build.entry}\n" for name, build in zip(_NAMES, builds, strict=True))
    made.write(f'[settings]\ncatalogs = ["{server.url}/catalog.ndjson"]\n[pythons]\n{entries}')
    made.run("lock")
    return made


@pytest.fixture
def bases(project: Project, tmp_path: Path, server: Server) -> list[Path]:
    """One store with the first entry's tree, and one with those of the first two."""
    found = []
    for number in (1, 2):
        other = Project(tmp_path / f"other{number}", home=tmp_path / f"base{number}")
        shutil.copy(project.manifest, other.manifest)
        shutil.copy(project.lock, other.lock)
        other.run("sync", *_NAMES[:number], SOURCE_DATE_EPOCH="0")
        shutil.rmtree(other.directory)
        found.append(other.home)
    shutil.rmtree(tmp_path / "cache")
    server.requests.clear()
    return found


def _state(home: Path) -> dict[str, tuple[int, int, bytes]]:
    """Every file and directory of a store, with its times: any write to it shows."""

    def walk() -> Iterator[Path]:
        yield home
        yield from home.rglob("*")

    def content(path: Path) -> bytes:
        return path.read_bytes() if path.is_file() and not path.is_symlink() else b""

    facts = {path: path.lstat() for path in walk()}
    return {
        str(path.relative_to(home)): (stat.st_mtime_ns, stat.st_ctime_ns, content(path)) for path, stat in facts.items()
    }


def _targets(project: Project) -> dict[str, Path]:
    return {name: (project.directory / ".pythons" / name).readlink().parents[1] for name in _NAMES}


def test_each_tree_is_used_from_the_first_store_that_has_it_without_writing_there(
    project: Project, bases: list[Path], builds: list[Build], server: Server
) -> None:
    before = [_state(base) for base in bases]
    stores = os.pathsep.join(map(str, bases))
    plan = project.run("plan", "--json", PROVISION_STORES=stores).document()
    assert {action["name"]: action["action"] for action in plan["actions"] if action["action"] != "install"} == {
        "one": "link",
        "two": "link",
        "three": "link",
    }
    assert plan["summary"]["downloads"] == 1
    project.run("sync", PROVISION_STORES=stores)
    assert [server.count(build.archive.name) for build in builds] == [0, 0, 1]
    assert _targets(project) == {"one": bases[0], "two": bases[1], "three": project.home}
    assert "3 interpreters up to date" in project.run("sync", PROVISION_STORES=stores).err
    assert project.run("plan", "--exit-code", PROVISION_STORES=stores).code == 0
    # Readers of all kinds:
    rows = project.run("list", "--json", PROVISION_STORES=stores).document()["pythons"]
    assert {row["state"] for row in rows} == {"installed"}
    for name, home in _targets(project).items():
        stored = project.run("which", "--store", name, PROVISION_STORES=stores).out.strip()
        assert Path(stored).is_relative_to(home / "store")
        ran = project.run("run", name, "--", "sh", "-c", "python -V; command -v python", PROVISION_STORES=stores).out
        assert ran.splitlines() == ["Python 3.13.5", str(project.directory / ".pythons" / name / "bin" / "python")]
    assert str(project.directory / ".pythons" / "bin") in project.run("env", PROVISION_STORES=stores).out
    assert len(project.run("verify", "--json", PROVISION_STORES=stores).document()["trees"]) == 3
    checks = project.run("doctor", "--offline", "--json", expect=None, PROVISION_STORES=stores).document()["checks"]
    assert [check["text"] for check in checks if check["text"].endswith("only read")] == [
        f"{bases[0]}: 1 tree, only read",
        f"{bases[1]}: 2 trees, only read",
    ]
    # Commands that remove and write:
    project.run("sbom", "--format", "spdx", "--beside-receipts", PROVISION_STORES=stores)
    manifest = project.manifest.read_text()
    project.write("".join(line for line in manifest.splitlines(keepends=True) if not line.startswith(("two", "three"))))
    project.run("lock")
    project.run("sync", "--prune", PROVISION_STORES=stores)
    assert list((project.home / "store").iterdir()) == []
    verified = project.run("verify", "--store", "--json", PROVISION_STORES=stores)
    assert len(verified.document()["trees"]) == 0
    assert f"`provision verify --store --home DIR` checks one: {bases[0]}, {bases[1]}\n" in verified.err
    project.run("verify", "--store", "--home", bases[0], PROVISION_STORES=stores)
    assert [_state(base) for base in bases] == before
    # Without the stores, everything is installed into the user's own.
    project.write(manifest)
    project.run("sync")
    assert set(_targets(project).values()) == {project.home}


def test_a_damaged_tree_is_installed_into_the_own_store_and_the_other_is_left_alone(
    project: Project, bases: list[Path], builds: list[Build], server: Server
) -> None:
    stores = str(bases[0])
    project.run("sync", "one", PROVISION_STORES=stores)
    (tree,) = (bases[0] / "store").iterdir()
    (tree / "share" / "empty").write_bytes(b"changed")
    said = project.run("verify", "--repair", "one", expect=5, PROVISION_STORES=stores).err
    assert f"cannot repair {tree}: its store is only read" in " ".join(said.split())
    (tree / "bin" / "python3.13").unlink()
    damaged = _state(bases[0])
    said = project.run("run", "one", "--", "python", "-V", expect=5, PROVISION_STORES=stores).err
    assert "Run `provision sync one`" in said
    project.run("sync", "one", PROVISION_STORES=stores)
    assert (project.directory / ".pythons" / "one").readlink() == project.home / "store" / tree.name
    assert project.run("run", "one", "--", "python", "-V", PROVISION_STORES=stores).out == "Python 3.13.5\n"
    assert project.run("verify", "--json", "one", PROVISION_STORES=stores).document()["sound"]
    assert server.count(builds[0].archive.name) == 1
    assert _state(bases[0]) == damaged


def test_a_tree_without_a_settled_receipt_is_hashed_and_its_receipt_left_alone(
    project: Project, bases: list[Path], server: Server, builds: list[Build]
) -> None:
    """As in an image: it was written in another boot, and is not known to be on disk."""
    (receipt,) = (bases[0] / "receipts").glob("*.json")
    receipt.write_text(
        receipt.read_text().replace('"settled": true', '"settled": false').replace('"boot": ""', '"boot": "other"')
    )
    before = _state(bases[0])
    project.run("sync", "one", PROVISION_STORES=str(bases[0]))
    assert server.count(builds[0].archive.name) == 0
    (library,) = (bases[0] / "store").glob("*/share/empty")
    assert _state(bases[0]) == before
    library.write_bytes(b"changed")
    project.run("sync", "one", PROVISION_STORES=str(bases[0]))
    assert server.count(builds[0].archive.name) == 1
    assert (project.directory / ".pythons" / "one").readlink().is_relative_to(project.home)


def test_a_missing_or_empty_store_changes_nothing(project: Project, tmp_path: Path) -> None:
    stores = os.pathsep.join([str(tmp_path / "unmounted"), str(project.home), ""])
    project.run("sync", PROVISION_STORES=stores)
    assert set(_targets(project).values()) == {project.home}
    checks = project.run("doctor", "--offline", "--json", expect=None, PROVISION_STORES=stores).document()["checks"]
    assert f"{tmp_path / 'unmounted'} of PROVISION_STORES has no trees" in [check["text"] for check in checks]
    assert "expected absolute directories" in project.run("list", expect=2, PROVISION_STORES="pythons").err


def test_an_unreadable_store_is_named_when_a_tree_is_installed(project: Project, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    stores = os.pathsep.join(str(path) for path in (tmp_path / "missing", file))
    told = project.run("sync", PROVISION_STORES=stores).err
    for path in (tmp_path / "missing", file):
        assert f"warning: PROVISION_STORES: {path} has no trees that can be read" in told
    assert "warning" not in project.run("sync", PROVISION_STORES=stores).err
