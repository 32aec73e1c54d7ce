"""The main job, end to end: a manifest, a custom catalog over HTTP, and interpreters that start."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.builds import Build, write_catalog
from tests.support.project import Project
from tests.support.server import Server

PROBE = """
import json, sys, sysconfig
print(json.dumps({
    "version": sys.version.split()[0],
    "prefix": sys.prefix,
    "nogil": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    "debug": hasattr(sys, "gettotalrefcount"),
}))
"""

EXTENSION = """
#include <Python.h>
static PyObject *answer(PyObject *self, PyObject *none) { return PyLong_FromLong(42); }
static PyMethodDef methods[] = {{"answer", answer, METH_NOARGS, ""}, {0}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "small", "", -1, methods};
PyMODINIT_FUNC PyInit_small(void) { return PyModule_Create(&module); }
"""

BUILD_EXTENSION = """
import subprocess, shlex, sysconfig
get = sysconfig.get_config_var
include = sysconfig.get_path("include")
command = [*shlex.split(get("LDSHARED")), "-fPIC", f"-I{include}", "small.c", "-o", "small" + get("EXT_SUFFIX")]
subprocess.run(command, check=True)
import small
print(small.answer())
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


def declare(project: Project, server: Server, builds: Sequence[Build]) -> None:
    """Offer the builds on the server, and request all of them."""
    write_catalog(server.root, builds)
    entries = "".join(f"{build.label} = {build.entry}\n" for build in builds)
    project.write(f'[settings]\ncatalogs = ["{server.url}/catalog.ndjson"]\n\n[pythons]\n{entries}')


def test_each_interpreter_is_locked_downloaded_unpacked_and_run(
    project: Project, server: Server, builds: tuple[Build, ...]
) -> None:
    declare(project, server, builds)
    project.run("sync")
    for build in builds:
        answer = json.loads(project.run("run", build.label, "--", "python", "-c", PROBE).out)
        linked = Path(project.run("which", build.label).out.strip()).parent.parent
        assert answer == {
            "version": str(build.name.version),
            "prefix": str(linked),
            "nogil": build.name.options.freethreaded,
            "debug": build.name.options.debug,
        }


def test_the_locked_assets_are_those_of_the_catalog(
    project: Project, server: Server, builds: tuple[Build, ...]
) -> None:
    declare(project, server, builds)
    project.run("lock")
    text = project.lock.read_text()
    for build in builds:
        assert f'sha256 = "{build.sha256}"' in text
        assert f"size = {build.archive.stat().st_size}" in text
    assert project.run("lock", "--check").out == ""


def test_a_second_sync_does_nothing(project: Project, server: Server, builds: tuple[Build, ...]) -> None:
    declare(project, server, builds)
    project.run("sync")
    asked = len(server.requests)
    again = project.run("sync")
    assert "up to date" in again.err
    assert len(server.requests) == asked
    assert project.run("plan", "--exit-code").code == 0


def test_a_second_project_shares_the_trees(project: Project, server: Server, builds: tuple[Build, ...]) -> None:
    declare(project, server, builds)
    project.run("sync")
    asked = [seen.path for seen in server.requests if "cpython" in seen.path]
    other = Project(project.directory.parent / "other", home=project.home, cache=project.cache)
    declare(other, server, builds)
    other.run("sync")
    assert [seen.path for seen in server.requests if "cpython" in seen.path] == asked
    assert other.run("which", builds[0].label, "--store").out == project.run("which", builds[0].label, "--store").out


def test_two_homes_get_the_same_bytes(project: Project, server: Server, builds: tuple[Build, ...]) -> None:
    declare(project, server, builds)
    other = project.directory.parent / "elsewhere" / "home of another"
    first = project.run("sync", "--json").document()
    second = project.run("sync", "--frozen", "--home", other, "--json").document()
    assert first["installed"] == second["installed"]
    compared = subprocess.run(
        ["diff", "-r", "--no-dereference", project.home / "store", other / "store"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert compared.stdout == ""


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")
def test_each_interpreter_creates_environments_and_builds_extensions(
    project: Project, server: Server, builds: tuple[Build, ...], tmp_path: Path
) -> None:
    declare(project, server, builds)
    project.run("sync")
    for build in builds:
        python = project.run("which", build.label, "--store").out.strip()
        environment = tmp_path / f"venv {build.label}"
        subprocess.run([python, "-m", "venv", environment], check=True, capture_output=True)
        (tmp_path / build.label).mkdir()
        (tmp_path / build.label / "small.c").write_text(EXTENSION)
        built = subprocess.run(
            [environment / "bin" / "python", "-c", BUILD_EXTENSION],
            cwd=tmp_path / build.label,
            capture_output=True,
            text=True,
            check=True,
        )
        assert built.stdout.splitlines()[-1] == "42"
        pip = subprocess.run(
            [environment / "bin" / "pip", "--version"], capture_output=True, text=True, check=True, env=dict(os.environ)
        )
        assert str(environment) in pip.stdout


def test_a_lost_file_is_found_and_repaired(project: Project, server: Server, builds: tuple[Build, ...]) -> None:
    declare(project, server, builds[:1])
    project.run("sync")
    tree = Path(project.run("which", builds[0].label, "--store").out.strip()).parent.parent
    (lost,) = tree.glob("lib/python3*/argparse.py")
    lost.unlink()
    found = project.run("verify", expect=5)
    assert f"missing  {lost.relative_to(tree)}" in found.out
    project.run("verify", "--repair", "--offline")
    assert lost.exists()
    assert project.run("verify").code == 0


def test_a_lost_tree_is_reinstalled_by_sync(project: Project, server: Server, builds: tuple[Build, ...]) -> None:
    declare(project, server, builds[:1])
    project.run("sync")
    tree = Path(project.run("which", builds[0].label, "--store").out.strip()).parent.parent
    shutil.rmtree(tree)
    assert project.run("plan", "--exit-code", expect=3).code == 3
    project.run("sync")
    assert project.run("verify").code == 0


def test_removed_entries_are_unlinked_and_pruned(project: Project, server: Server, builds: tuple[Build, ...]) -> None:
    declare(project, server, builds[:1])
    project.run("sync")
    tree = Path(project.run("which", builds[0].label, "--store").out.strip()).parent.parent
    project.write("[pythons]\n")
    project.run("sync", "--prune")
    assert not tree.exists()
    assert not (project.directory / ".pythons" / builds[0].label).is_symlink()
