"""The imports of everyday commands: they stand for start-up time, which cannot be measured on a busy machine."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from provision.store.trust import trust
from tests.support.builds import Build, write_catalog
from tests.support.project import Project
from tests.support.variants import variants

# What `provision` does, and then the names of all modules that Python has loaded for it.
RUN = """
import os, sys
sys.argv = ["provision", *{words!r}]
def told(code):
    sys.stdout.flush()
    print("\\n!", code, *sys.modules, file=sys.stderr)
    leave(code)
leave, os._exit = os._exit, told
from provision.cli.entry import main
main()
"""

SLOW_STDLIB = {"re", "enum", "typing", "dataclasses", "json", "pathlib", "hashlib", "collections", "functools"}
HEAVY = {
    "httpx", "httpcore", "rich", "pydantic", "typer", "click", "tomlkit", "yaml", "dataclasses", "subprocess",
    "_hashlib",
}  # fmt: skip

# The packages of `provision` that a command may load: those it needs, and no other.
CHECKING = {"cli", "errors", "host", "lock", "manifest", "model", "text", "url", "workflows"}
LISTING = {*CHECKING, "plan", "store"}
SYNCING = {*LISTING, "protocols"}
RESOLVING = {*CHECKING, "catalog", "protocols"}
ROOMS = {
    ("lock", "--check"): CHECKING,
    ("list",): LISTING,
    ("which", "default"): LISTING,
    ("plan",): SYNCING,
    ("sync",): SYNCING,
    ("lock",): RESOLVING,
}
# Modules of these rooms that only some other command needs.
UNNEEDED = {
    "provision.cli.app",
    "provision.lock.conflicts",
    "provision.lock.explain",
    "provision.lock.filenames",
    "provision.lock.resolve",
    "provision.manifest.edit",
    "provision.manifest.positions",
    "provision.workflows.adopt",
    "provision.workflows.audit",
    "provision.workflows.catalog",
    "provision.workflows.diff",
    "provision.workflows.edit",
    "provision.workflows.outdated",
    "provision.workflows.store",
}

NOTHING_TO_DO = (
    "sync",
    "sync -q",
    "sync --quiet",
    "sync -v",
    "sync --locked",
    "sync --no-locked",
    "sync --frozen",
    "sync --no-progress",
    "sync --offline",
    "sync --jobs 2",
    "sync --jitter 30 --frozen",
    "sync --jobs=2 -q --locked",
    "sync --manifest pythons.toml",
    "sync -m ./pythons.toml --locked --no-progress",
    "sync --manifest=.",
    "sync default",
    "CI=true sync",
    "CI=true PROVISION_LOCKED=1 sync --no-progress",
    "PROVISION_MANIFEST=pythons.toml sync --frozen",
    "PROVISION_OFFLINE=yes PROVISION_JOBS=3 PROVISION_NO_PROGRESS=1 sync",
    "which default",
    "which default -m pythons.toml",
    "hook state",
)
SHORTEST = (*NOTHING_TO_DO, "--help", "--version")
EVERYDAY = (
    "which default",
    "list",
    "list --json",
    "lock --check",
    "lock --check -q",
    "plan",
    "plan --exit-code default",
    "sync",
    "sync --locked --offline",
    "sync --frozen -m pythons.toml",
)


@pytest.fixture(scope="module")
def project(builds: tuple[Build, ...], tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project that is locked and synced, with a stamp of it."""
    folder = tmp_path_factory.mktemp("synced")
    (folder / "served").mkdir()
    catalog = write_catalog(folder / "served", builds[:1])
    project = Project(folder / "project")
    mirror = f"file://{folder / 'served'}"
    project.write(f'[settings]\ncatalogs = ["{catalog}"]\n\n[pythons]\ndefault = {builds[0].entry}\n')
    project.run("sync", PROVISION_MIRROR=mirror)
    project.run("sync")
    return project


def loaded(project: Project, *words: str, without: str = "") -> set[str]:
    """The modules that a command has loaded, which must succeed; it cannot load ``without``.

    Words with ``=`` before the command are variables.
    """
    named = next(number for number, word in enumerate(words) if not word[0].isupper())
    variables, words = dict(word.split("=") for word in words[:named]), words[named:]
    code = RUN.format(words=words)
    if without:
        # What the standard library itself needs of it, like pathlib up to 3.12, is loaded before.
        code = f"import pathlib, sys; sys.modules[{without!r}] = None\n{code}"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path[:0] = {sys.path!r}\n{code}"],
        cwd=project.directory,
        env=project.environ(variables),
        capture_output=True,
        text=True,
        check=False,
    )
    ended, _, names = done.stderr.rpartition("\n! ")[2].partition(" ")
    assert ended == "0", done.stderr
    return set(names.split())


def rooms(modules: set[str]) -> set[str]:
    """The packages and modules directly below `provision` that modules are in."""
    return {name.split(".")[1] for name in modules if name.startswith("provision.")}


@pytest.mark.parametrize("name", sorted({*SLOW_STDLIB, *HEAVY, *UNNEEDED}))
def test_a_forbidden_module_exists(name: str) -> None:
    assert find_spec(name), "a module that does not exist is never loaded, so that its guard always passes"


@pytest.mark.parametrize("words", variants(SHORTEST, quick=SHORTEST[::3]))
def test_the_shortest_commands_import_no_more_than_python_does(project: Project, words: str) -> None:
    assert sorted((SLOW_STDLIB | {"typer"}) & loaded(project, *words.split())) == []


def test_the_hook_of_a_trusted_project_imports_no_more_than_python_does(project: Project, tmp_path: Path) -> None:
    config = str(tmp_path / "config")
    project.run("sync", PROVISION_CONFIG_DIR=config)
    trust({"PROVISION_CONFIG_DIR": config}, project.directory)
    answer = project.run("hook", "state", PROVISION_CONFIG_DIR=config).out
    assert answer.startswith(f"B{project.directory}/.pythons/bin\n")
    modules = loaded(project, f"PROVISION_CONFIG_DIR={config}", "hook", "state")
    assert sorted((SLOW_STDLIB | {"typer"}) & modules) == []
    project.run("sync")  # its stamp is the one that the other tests expect


def test_the_stamp_of_a_frozen_sync_is_used_by_frozen_syncs_only(project: Project) -> None:
    """It does not compare the lock with the manifest."""
    (project.directory / ".pythons" / ".stamp").unlink()
    project.run("sync", "--frozen")
    assert "pathlib" not in loaded(project, "sync", "--frozen")
    assert "pathlib" in loaded(project, "sync", "--locked")
    assert "pathlib" not in loaded(project, "sync", "--locked")


def test_the_stamp_also_records_a_store_given_by_an_option(project: Project, tmp_path: Path) -> None:
    project.run("sync", "--home", tmp_path)
    assert "pathlib" not in loaded(project, "sync", "--locked", "--home", str(tmp_path))
    assert "pathlib" in loaded(project, "sync")


@pytest.mark.parametrize("name", ["PROVISION_OFFLINE", "PROVISION_LOCKED", "PROVISION_NO_PROGRESS", "PROVISION_JOBS"])
def test_an_invalid_variable_is_an_error_even_if_nothing_is_to_do(project: Project, name: str) -> None:
    environ: dict[str, Any] = {name: "banana"}
    assert f"error: {name}: expected " in project.run("sync", expect=2, **environ).err


@pytest.mark.parametrize("words", variants(EVERYDAY, quick=EVERYDAY[::2]))
def test_everyday_commands_import_neither_network_modules_nor_a_framework(project: Project, words: str) -> None:
    (project.directory / ".pythons" / ".stamp").unlink(missing_ok=True)
    heavy = HEAVY - {"json"} if "--json" in words else HEAVY
    assert sorted((heavy | UNNEEDED) & loaded(project, *words.split())) == []


@pytest.mark.parametrize("words", ROOMS, ids=" ".join)
def test_a_command_imports_only_the_packages_that_it_needs(project: Project, words: tuple[str, ...]) -> None:
    (project.directory / ".pythons" / ".stamp").unlink(missing_ok=True)
    assert sorted(rooms(loaded(project, *words))) == sorted(ROOMS[words])


@pytest.mark.parametrize("words", [["list"], ["lock", "--check"], ["plan"]], ids=" ".join)
def test_urls_of_published_builds_are_not_parsed(tmp_path: Path, words: list[str]) -> None:
    project = Project(tmp_path)
    project.write('[settings]\ntargets = ["linux-x86_64"]\n\n[pythons]\ndefault = "3.13"\n')
    project.run("lock", "--offline")
    assert "https://github.com/" in project.lock.read_text()
    assert "provision.url" in loaded(project, *words, without="urllib.parse")


def test_resolving_imports_neither_network_modules_nor_a_framework(project: Project) -> None:
    assert sorted(HEAVY & loaded(project, "lock")) == []


def test_a_sync_of_a_second_project_imports_no_modules_for_installing(project: Project, tmp_path: Path) -> None:
    second = Project(tmp_path / "second", home=project.home, cache=project.cache)
    second.write(project.manifest.read_text())
    second.lock.write_bytes(project.lock.read_bytes())
    modules = loaded(second, "sync")
    assert sorted(HEAVY & modules) == []
    assert sorted(rooms(modules)) == sorted(SYNCING)
    assert (second.directory / ".pythons" / "default").exists()
