"""Installed by name from a directory of wheels, by pip, pipx and uv, into otherwise empty environments."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path

import pytest

from provision import __version__
from provision.host.distribution import DISTRIBUTION
from tests.distribution.conftest import Distributions, run
from tests.integrations.tools import install_python_tool
from tests.test_readme import session

pytestmark = pytest.mark.slow


def first_five_minutes(program: tuple[object, ...], folder: Path) -> None:
    """Every command of README's session prints what README shows."""
    project = folder / "project"
    (project / ".git").mkdir(parents=True)
    home = {"PROVISION_HOME": folder / "home", "PROVISION_CACHE_DIR": folder / "cache", "PROVISION_OFFLINE": 1}
    for command, printed in session():
        assert run(*program, *shlex.split(command)[1:], cwd=project, **home) == printed, command


def demo(python: Path, distributions: Distributions, folder: Path) -> str:
    """What the demo of the sdist prints, run by a Python in a folder without the sources."""
    script = folder / "examples" / "demo.py"
    script.parent.mkdir()
    shutil.copy(distributions.sources / "examples" / "demo.py", script)
    return run(python, script, cwd=folder, PYENV_ROOT=folder / "none")


def test_pip_installs_a_package_that_runs_the_session_of_the_readme(environment: Path, tmp_path: Path) -> None:
    first_five_minutes((environment / "bin" / "provision",), tmp_path)
    python = environment / "bin" / "python"
    assert run(python, "-m", "provision", "schema", "lock", cwd=tmp_path).startswith("{")
    where = "import provision, sys; print(provision.__file__.startswith(sys.prefix))"
    assert run(python, "-c", where, cwd=tmp_path) == "True\n"
    assert run(python, "-m", "pip", "check", cwd=tmp_path)


def test_the_demo_runs_with_the_installed_package_only(
    environment: Path, distributions: Distributions, tmp_path: Path
) -> None:
    """Pack, serve, lock, sync, run, verify, repair, as `make demo` does in a checkout."""
    assert "All of it is in .demo/." in demo(environment / "bin" / "python", distributions, tmp_path)


@pytest.mark.skipif(shutil.which("zsh") is None, reason="there is no zsh")
def test_zsh_completes_at_the_first_key_by_the_file_in_the_wheel(environment: Path, tmp_path: Path) -> None:
    """The function of the file, as `compinit` loads it, called with the words of a command line."""
    functions = environment / "share" / "zsh" / "site-functions"
    code = """
        fpath=($1 $fpath); autoload -Uz _provision
        compadd() { print -r -- "$@" }; _describe() { print -r -- "${(P@)2}" }; _arguments() { print -r -- "$@" }
        words=(provision cat); CURRENT=2; _provision
    """
    path = f"{environment / 'bin'}{os.pathsep}{os.environ['PATH']}"
    assert "catalog" in run("zsh", "-f", "-c", code, "zsh", functions, cwd=tmp_path, PATH=path)


def test_pipx_installs_the_package_with_the_manual(distributions: Distributions, tmp_path: Path) -> None:
    pipx = install_python_tool("pipx", tmp_path / "tools")
    places = {f"PIPX_{name}": tmp_path / name.lower() for name in ("HOME", "BIN_DIR", "MAN_DIR")}
    run(pipx, "install", f"--pip-args=--find-links={distributions.index}", DISTRIBUTION, cwd=tmp_path, **places)
    first_five_minutes((tmp_path / "bin_dir" / "provision",), tmp_path)
    assert (tmp_path / "man_dir" / "man1" / "provision.1").exists()


def test_uvx_and_uv_tool_install_the_package(distributions: Distributions, tmp_path: Path) -> None:
    """The installed tool has no pip: the hint for a missing extra is run exactly as printed."""
    uv = install_python_tool("uv", tmp_path / "tools")
    uvx = uv.with_name("uvx")
    places = {"UV_TOOL_DIR": tmp_path / "uv", "UV_TOOL_BIN_DIR": tmp_path / "bin", "UV_PYTHON": sys.executable}
    links = {**places, "UV_FIND_LINKS": distributions.index}
    try:
        printed = run(uvx, "--from", DISTRIBUTION, "provision", "--version", cwd=tmp_path, **links)
    except AssertionError as error:
        if "dns error" in str(error) or "error sending request" in str(error):
            pytest.skip("uv cannot reach the package index")
        raise
    assert printed == f"provision {__version__}\n"
    run(uv, "tool", "install", DISTRIBUTION, cwd=tmp_path, **links)
    first_five_minutes((tmp_path / "bin" / "provision",), tmp_path)
    python = tmp_path / "uv" / DISTRIBUTION / "bin" / "python"
    code = "from provision.host.distribution import install_command; print(install_command('socks'))"
    first, *hint = shlex.split(run(python, "-c", code, cwd=tmp_path))
    assert first == "uv"
    run(uv, *hint, cwd=tmp_path, **links)
    run(python, "-c", "import socksio", cwd=tmp_path)
