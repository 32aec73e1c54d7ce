"""virtualenv, tox and nox find the interpreters of a project by the names of entries and by versions."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import Offer
from tests.integrations.tools import install_python_tool
from tests.support.builds import Build
from tests.support.project import Project
from tests.support.server import Server

ROOT = Path(__file__).resolve().parents[2]

TOX = """\
[tox]
env_list = mine, {factor}
no_package = true

[testenv]
set_env = VIRTUALENV_DISCOVERY = provision
commands = python -c "import sys; print('at', sys.base_prefix)"

[testenv:mine]
base_python = mine
"""


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The commands of an environment that has provision, installed from a wheel, and the three tools."""
    folder = tmp_path_factory.mktemp("tools")
    build = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        str(folder),
        str(ROOT),
    ]
    if subprocess.run(build, check=False, capture_output=True).returncode:
        pytest.skip("the wheel cannot be built here")
    (wheel,) = folder.glob("*.whl")
    more = ("virtualenv>=21", "tox>=4.30", "nox")
    return install_python_tool(str(wheel), folder / "environment", "python", more).parent


class Tools:
    """Runs the tools in a project, with nothing of this machine's configuration."""

    def __init__(self, folder: Path, project: Project) -> None:
        self.folder, self.project = folder, project

    def __call__(self, *words: str, cwd: Path | None = None, expect: int | None = 0, **environ: str) -> str:
        more = {
            "PATH": os.pathsep.join([str(self.folder), "/usr/bin", "/bin"]),
            "VIRTUALENV_OVERRIDE_APP_DATA": str(self.project.directory.parent / "app-data"),
            "NOX_DEFAULT_VENV_BACKEND": "venv",
            **environ,
        }
        done = subprocess.run(
            [self.folder / words[0] if words[0] != "sh" else "/bin/sh", *words[1:]],
            cwd=cwd or self.project.directory,
            env=self.project.environ(more),
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert expect is None or done.returncode == expect, done.stdout + done.stderr
        return done.stdout + done.stderr


@pytest.fixture
def run(tools: Path, tmp_path: Path, server: Server, builds: tuple[Build, ...]) -> Tools:
    """A project with an entry ``mine`` that is installed."""
    build = next(build for build in builds if not build.name.options.debug)
    project = Project(tmp_path / "project")
    Offer(project, server)([build], f"mine = {build.entry}")
    project.run("sync")
    return Tools(tools, project)


@pytest.mark.slow
def test_virtualenv_and_tox_and_nox_find_entries(run: Tools, builds: tuple[Build, ...], tmp_path: Path) -> None:
    build = next(build for build in builds if not build.name.options.debug)
    link = run.project.directory / ".pythons" / "mine"
    suffix = "t" if build.name.options.freethreaded else ""
    for request in ("mine", f"{build.name.version.series}{suffix}", f"python{build.name.version}{suffix}"):
        run("virtualenv", "--discovery", "provision", "-p", request, "--no-seed", str(tmp_path / "made"))
        assert f"home = {link}" in (tmp_path / "made" / "pyvenv.cfg").read_text()
        shutil.rmtree(tmp_path / "made")

    version = f"{build.name.version.series}{suffix}"
    for line in (  # the commands of the page, for the entry that exists here
        "virtualenv --discovery provision -p free .venv",
        "VIRTUALENV_DISCOVERY=provision virtualenv -p 3.13t .venv",
    ):
        run("sh", "-c", line.replace("free", "mine").replace("3.13t", version))

    factor = f"py{build.name.version.series.replace('.', '')}{suffix}"
    (run.project.directory / "tox.ini").write_text(TOX.format(factor=factor))
    assert run("tox", "-q").count(f"at {link}") == 2

    shutil.copyfile(ROOT / "examples" / "noxfile.py", run.project.directory / "noxfile.py")
    assert f"Python {build.name.version}" in run("nox", "-s", "tests(mine)")


@pytest.mark.slow
def test_other_interpreters_are_found_as_without_the_plugin(run: Tools, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    run("virtualenv", "--discovery", "provision", "-p", sys.executable, "--no-seed", "inside")
    run("virtualenv", "--discovery", "provision", "--no-seed", "made", cwd=outside)
    refused = run("virtualenv", "--discovery", "provision", "-p", "mine", "made", cwd=outside, expect=1)
    assert "failed to find interpreter" in refused
    # virtualenv itself works as before if the plugin is only installed.
    run("virtualenv", "--no-seed", "made2", cwd=outside)


@pytest.mark.slow
def test_an_entry_that_is_not_installed_is_an_error(run: Tools, server: Server) -> None:
    (receipt,) = (run.project.home / "receipts").glob("*.json")
    receipt.unlink()
    before = server.count()
    refused = run("virtualenv", "--discovery", "provision", "-p", "mine", "made", expect=1)
    assert "mine is not installed" in refused
    assert "provision sync mine" in refused
    assert server.count() == before
