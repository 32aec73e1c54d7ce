"""Commands under Windows: a child process whose exit code is passed on, and which reacts to Ctrl-C itself."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from provision.host.execute import CommandError, execute
from provision.host.files import find_program
from tests.support.package import IMPORTED_FROM

pytestmark = pytest.mark.skipif(os.name != "nt", reason="on Windows, a command is a child")

EXECUTE = "import os, sys; from provision.host.execute import execute; os._exit(execute(sys.argv[1:], os.environ))"
# A command that ends by itself on Ctrl-C, a moment after it.
PATIENT = """
import os, signal, time
def end(number, frame):
    time.sleep(0.5)
    os._exit(7)
signal.signal(signal.SIGINT, end)
print("ready", flush=True)
for _ in range(200):
    time.sleep(0.05)
"""
# Presses Ctrl-C in a new console, in which the command runs.
CONSOLE = f"""
import ctypes, signal, subprocess, sys
kernel = ctypes.WinDLL("kernel32")
kernel.FreeConsole()
kernel.AllocConsole()
signal.signal(signal.SIGINT, signal.SIG_IGN)
command = [sys.executable, "-S", "-c", {EXECUTE!r}, sys.executable, "-c", {PATIENT!r}]
process = subprocess.Popen(command, stdout=subprocess.PIPE)
print(process.stdout.readline(), kernel.GenerateConsoleCtrlEvent(0, 0), process.wait())
"""


def start(*command: str, cwd: Path | None = None, **environ: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-S", "-c", EXECUTE, *command],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(IMPORTED_FROM), **environ},
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("code", [0, 3, -1073741510])
def test_the_exit_code_is_that_of_the_command(code: int) -> None:
    with start(sys.executable, "-c", f"import os; os._exit({code})") as process:
        assert process.wait(60) == code % (1 << 32)


def test_ctrl_c_is_handled_by_the_command() -> None:
    environ = {**os.environ, "PYTHONPATH": str(IMPORTED_FROM)}
    done = subprocess.run([sys.executable, "-c", CONSOLE], env=environ, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("b'ready\\r\\n' 1 7\n", "")


def test_the_working_directory_is_not_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for folder in (tmp_path, other):
        (folder / "planted.exe").write_bytes(b"MZ")
    monkeypatch.chdir(tmp_path)
    assert find_program("planted", {"PATH": f"{os.pathsep}.{os.pathsep}sub"}) is None
    assert find_program("planted", {"PATH": f".{os.pathsep}{other}"}) == str(other / "planted.exe")
    assert find_program("planted.EXE", {"PATH": str(other)}) == str(other / "planted.EXE")
    assert find_program(r".\planted", {"PATH": ""}) == str(tmp_path / "planted.exe")
    with start("planted", cwd=tmp_path) as process:
        output, _ = process.communicate(timeout=60)
    assert (process.returncode, output) == (1, "")


def test_an_empty_pathext_counts_as_none() -> None:
    program = Path(sys.executable)
    with start(program.stem, "-c", "print(1)", PATH=str(program.parent), PATHEXT="") as process:
        assert process.communicate(timeout=60)[0] == "1\n"


def test_a_command_that_cannot_run_is_reported(tmp_path: Path) -> None:
    shutil.copy(__file__, tmp_path / "it.exe")
    with pytest.raises(CommandError) as caught:
        execute([str(tmp_path / "it.exe")], dict(os.environ))
    assert caught.value.exit_code == 126
