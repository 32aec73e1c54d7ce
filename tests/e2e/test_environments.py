"""Virtual environments through every path that provision prints or puts on PATH run on the installed tree."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from provision.store.layout import Store
from provision.store.links import command_name
from tests.integrations.tools import install_python_tool
from tests.relocate.test_moved_trees import write_wheel
from tests.store.samples import Choice, link_project
from tests.support.builds import pack_ours, ready_made, write_catalog
from tests.support.interpreters import Installed
from tests.support.project import COMMAND, Project

pytestmark = pytest.mark.skipif(os.name == "nt", reason="environments have other paths there")

# What an interpreter uses: prefixes, the modules that it has found, the libraries that it has loaded.
REPORT = """
import ctypes, encodings, json, os, sys, sysconfig
try:
    with open("/proc/self/maps") as maps:
        libraries = sorted({line.split(None, 5)[5].strip() for line in maps if "/libpython" in line})
except OSError:
    libraries = []
print(json.dumps({
    "prefix": sys.prefix,
    "base": [sys.base_prefix, sys.base_exec_prefix],
    "files": [ctypes.__file__, encodings.__file__, os.__file__, sysconfig.get_paths()["stdlib"], *libraries],
}))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way to start an interpreter: a command to which arguments are added."""

    words: Sequence[str]
    cwd: Path
    environ: Mapping[str, str]

    def run(self, *arguments: str | Path) -> str:
        return run(*self.words, *arguments, cwd=self.cwd, environ=self.environ)


def run(*command: str | Path, cwd: Path, environ: Mapping[str, str]) -> str:
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def check(environment: Path, tree: Path, environ: Mapping[str, str] = {}) -> None:
    """The environment's interpreter uses only the tree, and nothing of the installation that was packed."""
    report = json.loads(run(environment / "bin/python", "-c", REPORT, cwd=environment, environ=environ))
    assert report["prefix"] == str(environment)
    for path in (*report["base"], *report["files"]):
        assert Path(path).resolve().is_relative_to(tree), path


@pytest.fixture
def linked(interpreter: Installed, tmp_path: Path) -> Path:
    """A project with links and commands for a real interpreter."""
    store, choice = Store(tmp_path / "home"), Choice(name="default", asset=interpreter.asset)
    store.trees.mkdir(parents=True)
    store.tree(choice.key).symlink_to(interpreter.tree)
    (tmp_path / "a project").mkdir()
    link_project(tmp_path / "a project", store, [choice])
    return tmp_path / "a project" / ".pythons"


def test_an_environment_made_by_a_command_runs_on_the_tree(linked: Path, interpreter: Installed) -> None:
    command = linked / "bin" / command_name(interpreter.asset)
    environ = {"PATH": f"{command.parent}:/usr/bin:/bin"}
    run(command.name, "-m", "venv", "--without-pip", linked.parent / "venv", cwd=linked, environ=environ)
    check(linked.parent / "venv", interpreter.tree)


def test_an_environment_works_after_its_tree_was_removed(linked: Path, interpreter: Installed) -> None:
    command, environment = linked / "bin" / command_name(interpreter.asset), linked.parent / "venv"
    run(command, "-m", "venv", "--without-pip", environment, cwd=linked, environ={})
    before = (linked / "default").readlink()
    before.unlink()  # as if it had been upgraded and pruned
    (linked / "default").unlink()
    (linked / "default").symlink_to(interpreter.tree)
    check(environment, interpreter.tree)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """All builds at hand, and the Python that runs the tests, packed; installed by a sync."""
    folder = tmp_path_factory.mktemp("environments")
    packed = pack_ours(folder / "packed")
    builds = {build.label: build for build in ready_made()}
    catalog = write_catalog(folder, [*builds.values(), packed])
    entries = "".join(f"{name} = {build.entry}\n" for name, build in {**builds, "packed": packed}.items())
    made = Project(folder / "project")
    made.write(f'[settings]\ncatalogs = ["{catalog}"]\n[pythons]\n{entries}')
    made.run("sync", PROVISION_MIRROR=folder.as_uri())
    return made


def interpreters_on_path(project: Project) -> list[Path]:
    """The commands of `.pythons/bin`, but those of pip."""
    return sorted(each for each in (project.directory / ".pythons/bin").iterdir() if not each.name.startswith("pip"))


def ways(project: Project) -> Iterator[tuple[Way, Path]]:
    """Every way to start an interpreter that provision prints or puts on PATH, with the tree that it leads to."""
    environ = {**project.environ(), "PYTHONPYCACHEPREFIX": str(project.directory / "bytecode")}

    def way(*words: str | Path) -> Way:
        return Way(words=[str(word) for word in words], cwd=project.directory, environ=environ)

    for row in project.run("list", "--json").document()["pythons"]:
        tree = Path(row["executable"]).parent.parent.resolve()
        link = project.directory / ".pythons" / row["name"]
        yield way(row["executable"]), tree
        yield way(project.run("which", row["name"]).out.strip()), tree
        for name in ("python", "python3", f"python{row['version'].rpartition('.')[0]}"):
            yield way(link / "bin" / name), tree
            yield way(*COMMAND, "run", row["name"], "--", name), tree
        yield way(*COMMAND, "run", row["name"], "--", "env", "python"), tree
    on_path = project.run("env", "--shell", "sh").out
    for command in interpreters_on_path(project):
        tree = Path(way(command).run("-c", "import sys; print(sys.prefix)").strip()).resolve()
        yield way(command), tree
        yield way("sh", "-c", f'{on_path}\nexec "$@"', "sh", command.name), tree
        yield way(f".pythons/bin/{command.name}"), tree


@pytest.mark.slow
def test_every_path_to_an_interpreter_creates_environments_on_its_tree(project: Project, tmp_path: Path) -> None:
    for number, (way, tree) in enumerate(ways(project)):
        environment = tmp_path / str(number)
        way.run("-m", "venv", "--without-pip", environment)
        check(environment, tree, way.environ)


@pytest.mark.slow
def test_environments_have_a_pip_that_installs_into_them(project: Project, tmp_path: Path) -> None:
    wheel = write_wheel(tmp_path)
    for command in interpreters_on_path(project):
        environment = tmp_path / command.name
        environ = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        run(command, "-m", "venv", environment, cwd=tmp_path, environ=environ)
        run(environment / "bin/pip", "install", "--no-index", wheel, cwd=tmp_path, environ=environ)
        said = run(environment / "bin/python", "-c", "import hello; print(hello.WORD)", cwd=tmp_path, environ=environ)
        assert said == "hi\n"


@pytest.mark.slow
@pytest.mark.parametrize("tool", ["uv", "virtualenv"])
def test_tools_create_environments_on_the_tree_of_every_path(project: Project, tmp_path: Path, tool: str) -> None:
    program = install_python_tool(tool, tmp_path / "tools")
    words: list[str | Path] = [program, "venv", "--no-config", "--no-python-downloads", "--offline", "-p"]
    if tool == "virtualenv":
        words = [program, "--without-pip", "--app-data", tmp_path / "app-data", "-p"]
    for number, (way, tree) in enumerate(ways(project)):
        word, environment = way.words[0], tmp_path / str(number)
        # The other names in a tree are links beside the first.
        if len(way.words) == 1 and (Path(word).name == "python" or ".pythons/bin/" in word):
            run(*words, word, environment, cwd=way.cwd, environ=way.environ)
            check(environment, tree, way.environ)
