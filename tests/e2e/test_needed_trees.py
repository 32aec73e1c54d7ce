"""Which trees `prune` keeps, by real runs: of projects that moved, share a directory or a path, or cannot be found."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from provision.model.tree import RECIPE
from tests.crash.disks import require_mounts, small_disk
from tests.integrations.tools import install_python_tool
from tests.support.builds import Build, write_catalog
from tests.support.project import COMMAND, Project
from tests.support.small import small_build
from tests.support.variants import variants

USES = [["run", "one", "--", "python"], ["which", "one"], ["env"]]
LATER_RECIPE = f"""
import sys
import provision
import provision.model.tree as tree
provision.__version__ = "9.9.9"
tree.RECIPE = {RECIPE + 1}
sys.argv = ["provision", *sys.argv[1:]]
from provision.cli.entry import main
main()
"""


class Needed:
    """Projects that share a store, each with one of two small builds."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.builds = [small_build(folder / "builds", number) for number in (1, 2)]
        (folder / "served").mkdir()
        self.catalog = write_catalog(folder / "served", self.builds)

    def text(self, number: int) -> str:
        return f'[settings]\ncatalogs = ["{self.catalog}"]\n\n[pythons]\none = {self.builds[number].entry}\n'

    def project(self, name: str, number: int) -> Project:
        made = Project(self.folder / name, home=self.folder / "home", cache=self.folder / "cache")
        made.write(self.text(number))
        return made

    @property
    def other(self) -> Project:
        """A project elsewhere, which needs nothing."""
        return Project(self.folder / "other", home=self.folder / "home", cache=self.folder / "cache")

    def pruned(self, *words: str) -> int:
        return len(self.other.run("prune", *words, "--json").document()["removed"])

    def states(self) -> list[tuple[str, str]]:
        """For all needs of all trees, the path's last name and the state."""
        document = self.other.run("roots", "--json").document()
        needs = [need for tree in document["trees"] for need in tree["needed-by"]]
        return sorted((Path(need["path"]).name, need["state"]) for need in needs)


@pytest.fixture
def needed(tmp_path: Path) -> Needed:
    return Needed(tmp_path)


def test_trees_of_two_manifests_in_one_directory_are_kept(needed: Needed) -> None:
    project = needed.project("project", 0)
    (project.directory / "ci.toml").write_text(needed.text(1))
    project.run("sync")
    project.run("sync", "--manifest", "ci.toml")
    assert needed.pruned() == 0
    assert project.run("sync", "--prune").code == 0
    assert needed.states() == [("ci.toml", "present"), ("pythons.toml", "present")]


def mounted(source: Path, place: Path, *words: str) -> list[str]:
    """A command in a container, where ``source`` is mounted at ``place``."""
    script = f'mount --bind "{source}" "{place}" && cd "{place}" && exec "$@"'
    return ["unshare", "--mount", "sh", "-c", script, "sh", *COMMAND, *words]


@pytest.mark.slow
def test_trees_of_two_containers_with_projects_at_one_path_are_kept(needed: Needed, tmp_path: Path) -> None:
    require_mounts(tmp_path)
    place = tmp_path / "src"
    place.mkdir()
    projects = [needed.project(f"project{number}", number) for number in range(2)]

    def run(number: int, *words: str) -> dict[str, Any]:
        command = mounted(projects[number].directory, place, *words, "--json")
        environ = projects[number].environ()
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        document: dict[str, Any] = json.loads(done.stdout)
        return document

    for number in (0, 1):
        run(number, "sync")
    for number in (0, 1):
        assert run(number, "prune")["removed"] == []
        run(number, "sync", "--prune")
    assert needed.pruned() == 0
    assert needed.states() == [("pythons.toml", "replaced"), ("pythons.toml", "replaced")]


@pytest.mark.slow
def test_trees_of_a_project_on_an_unmounted_volume_are_kept(needed: Needed, tmp_path: Path) -> None:
    require_mounts(tmp_path)
    with small_disk(tmp_path / "volume", size="4m"):
        project = needed.project("volume/project", 0)
        project.run("sync")
        copy = shutil.copytree(project.directory, tmp_path / "copy", symlinks=True)
        assert needed.states() == [("pythons.toml", "present")]
    assert (needed.pruned(), needed.states()) == (0, [("pythons.toml", "missing")])
    with small_disk(tmp_path / "volume", size="4m"):
        shutil.copytree(copy, project.directory, symlinks=True)
        assert (needed.pruned(), needed.states()) == (0, [("pythons.toml", "present")])


@pytest.mark.parametrize("command", variants(USES, quick=[USES[0]]))
def test_trees_of_a_moved_project_that_was_only_used_are_kept(
    needed: Needed, tmp_path: Path, command: list[str]
) -> None:
    project = needed.project("project", 0)
    project.run("sync")
    project.directory.rename(tmp_path / "moved")
    moved = Project(tmp_path / "moved", home=project.home, cache=project.cache)
    moved.run(*command)
    assert needed.states() == [("pythons.toml", "missing"), ("pythons.toml", "present")]
    assert needed.pruned("--forget", str(project.directory)) == 0
    assert needed.states() == [("pythons.toml", "present")]


@pytest.mark.slow
def test_trees_of_another_recipe_in_the_same_store_are_kept(needed: Needed) -> None:
    project = needed.project("project", 0)
    project.run("sync")

    def run_later(*words: str) -> None:
        command = [sys.executable, "-c", LATER_RECIPE, *words]
        done = subprocess.run(
            command, cwd=project.directory, env=project.environ(), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr

    run_later("sync")
    assert len(list((project.home / "store").iterdir())) == 2
    for _ in range(2):
        assert needed.pruned() == 0
        run_later("prune")
        run_later("sync", "--prune")
        project.run("sync", "--prune")
    assert needed.states() == [("pythons.toml", "other recipe"), ("pythons.toml", "present")]


@pytest.mark.parametrize("damage", variants(["newer", "cut short", "empty"], quick=["cut short"]))
def test_a_newer_or_damaged_root_prevents_pruning(needed: Needed, damage: str) -> None:
    project = needed.project("project", 0)
    project.run("sync")
    (path,) = (project.home / "roots").iterdir()
    content = path.read_bytes()
    newer = content.replace(b'"root": 2', b'"root": 3')
    path.write_bytes({"newer": newer, "cut short": content[:-40], "empty": b""}[damage])
    project.directory.rename(project.directory.with_name("moved"))
    for words in (["prune"], ["prune", "--dry-run"], ["roots"]):
        assert str(path) in needed.other.run(*words).err
    assert needed.pruned() == 0
    assert needed.pruned("--forget", str(path)) == 1


@pytest.mark.slow
def test_a_removed_project_is_forgotten_by_name_or_after_a_grace_period(needed: Needed) -> None:
    projects = [needed.project(f"project{number}", number) for number in range(2)]
    for project in projects:
        project.run("sync")
        refused = needed.other.run("prune", "--forget", project.directory, expect=2)
        assert "still exists" in refused.err
        shutil.rmtree(project.directory)
    assert "is not known to the store" in needed.other.run("prune", "--forget", "/nowhere", expect=2).err
    said = needed.other.run("prune").err
    for project in projects:
        assert f"1 tree kept for {project.manifest} (not found; kept until " in said
    advice = "if a project that is not found or replaced is gone for good, run `provision prune --forget DIR`"
    assert said.count(advice) == needed.other.run("roots").err.count(advice) == 1
    assert needed.pruned("--dry-run", "--forget", str(projects[0].manifest)) == 1
    assert needed.pruned("--forget", str(projects[0].manifest)) == 1
    (path,) = (projects[1].home / "roots").iterdir()
    document = json.loads(path.read_bytes())
    path.write_text(json.dumps({**document, "unconfirmed-since": document["unconfirmed-since"] - 31 * 24 * 3600}))
    assert needed.pruned() == 1
    assert not list((projects[1].home / "roots").iterdir())


def test_an_upgrade_keeps_the_tree_of_a_virtual_environment(needed: Needed, tmp_path: Path) -> None:
    project = needed.project("project", 0)
    project.run("sync")
    tree = Path(project.run("which", "one", "--store").out).parent.parent
    for place in (project.directory / ".venv", tmp_path / "far/away"):
        place.mkdir(parents=True)
        (place / "pyvenv.cfg").write_text(f"home = {tree / 'bin'}\n")
    project.run("which", "one", VIRTUAL_ENV=str(tmp_path / "far/away"))
    project.run("run", "one", "--", "python", "-VV", VIRTUAL_ENV=str(tmp_path / "far/away"))
    project.write(needed.text(1))
    project.run("sync", "--prune")
    (line,) = [line for line in project.run("prune").err.splitlines() if "kept" in line]
    assert line.startswith("1 tree kept for virtual environment ")
    assert line.endswith(" and 1 more (see `provision roots`)"), "one line for a tree, however many environments"
    assert needed.states() == [(".venv", "present"), ("away", "present"), ("pythons.toml", "present")]
    shutil.rmtree(project.directory / ".venv")
    assert needed.pruned() == 0
    shutil.rmtree(tmp_path / "far")
    assert needed.pruned() == 1


@pytest.mark.slow
def test_real_virtual_environments_work_after_an_upgrade_and_a_prune(tmp_path: Path, builds: tuple[Build, ...]) -> None:
    """Made in each way of docs/daily.md. The upgrade is to another tree of the same build, so that one is enough."""
    (tmp_path / "served").mkdir()
    build = builds[-1]
    catalog = write_catalog(tmp_path / "served", (build,))
    project = Project(tmp_path / "project")
    folder = project.directory

    def sync(entry: str) -> None:
        project.write(f'[settings]\ncatalogs = ["{catalog}"]\n\n[pythons]\none = {entry}\n')
        project.run("sync")

    def make(*words: str | Path) -> None:
        path = f"{folder / '.pythons/bin'}:{os.environ['PATH']}"
        subprocess.run(words, cwd=folder, env=project.environ({"PATH": path}), check=True, capture_output=True)

    sync(build.entry)
    linked, stored = (project.run("which", "one", *words).out.strip() for words in ((), ("--store",)))
    uv, virtualenv, tox = (install_python_tool(tool, tmp_path / tool) for tool in ("uv", "virtualenv", "tox"))
    (folder / "tox.ini").write_text(
        "[tox]\nenvlist = py\n[testenv]\nskip_install = true\nbase_python = {tox_root}/.pythons/one/bin/python\n"
    )
    project.run("run", "one", "-m", "venv", "--without-pip", ".run")
    make(linked, "-m", "venv", "--without-pip", ".which")
    make("python", "-m", "venv", "--without-pip", ".path")
    make(uv, "venv", "--no-config", "--offline", "--python", linked, ".uv")
    make(virtualenv, "--without-pip", "-p", linked, ".virtualenv")
    make(tox, "run", "-e", "py", "--notest")
    sync(build.entry.replace(" }", ', without = ["tests"] }'))
    project.run("prune")
    assert not Path(stored).exists(), "nothing runs on the old tree"
    newer = Path(linked).resolve().parent.parent
    for name in (".run", ".which", ".path", ".uv", ".virtualenv", ".tox/py"):
        python = folder / name / "bin/python"
        report = "import json, os, sys; print(sys.prefix); print(os.path.realpath(json.__file__))"
        prefix, library = subprocess.check_output([python, "-c", report], text=True, cwd=tmp_path).splitlines()
        assert (prefix, Path(library).is_relative_to(newer)) == (str(folder / name), True), name

    make(Path(linked).resolve(), "-m", "venv", "--without-pip", ".stored")
    sync(build.entry)
    assert f"1 tree kept for virtual environment {folder / '.stored'}\n" in project.run("prune").err
    subprocess.run([folder / ".stored/bin/python", "-c", "import json"], check=True)
