"""Commands start as in a shell: the same exit codes, the same signals, the same environment."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from provision.host.execute import CommandError, caller_environment, execute
from tests.support.package import IMPORTED_FROM
from tests.support.variants import variants

pytestmark = pytest.mark.skipif(os.name == "nt", reason="as a POSIX shell does")

EXECUTE = """
import os, sys
from provision.host.execute import CommandError, execute
try:
    execute(sys.argv[1:], os.environ)
except CommandError as error:
    print(error)
    sys.exit(error.exit_code)
"""


def start(
    *command: str, cwd: Path, shell: bool = False, environ: Mapping[str, str] = {}
) -> subprocess.CompletedProcess[str]:
    """Run a command by `execute`, or by the system's shell."""
    words = ["/bin/sh", "-c", '"$0" "$@"'] if shell else [sys.executable, "-S", "-c", EXECUTE]
    return subprocess.run(
        [*words, *command],
        cwd=cwd,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(IMPORTED_FROM), **environ},
        capture_output=True,
        text=True,
        check=False,
    )


def program(content: bytes, mode: int = 0o755) -> Callable[[Path], object]:
    def make(path: Path) -> None:
        path.write_bytes(content)
        path.chmod(mode)

    return make


def _machine_is_another(path: Path) -> None:
    content = bytearray(Path("/bin/sh").read_bytes())
    content[18:20] = b"\xff\x7f"
    program(bytes(content))(path)


def _loader_is_missing(path: Path) -> None:
    content = Path("/bin/sh").read_bytes()
    program(content.replace(b"/ld-linux", b"/ld-other").replace(b"/ld-musl", b"/ld-none"))(path)


needs_elf = pytest.mark.skipif(sys.platform != "linux", reason="programs have another format here")
KINDS: dict[str, tuple[Callable[[Path], object], str]] = {
    "a script without #!": (program(b'echo "script $1"\n'), ""),
    "an empty file": (program(b""), ""),
    "a script with binary data after its first line": (program(b"exit 7\n\0\0"), ""),
    "a script": (program(b'#!/bin/sh\necho "script $1"\nexit 3\n'), ""),
    "a file without the mode": (program(b"#!/bin/sh\n", 0o644), "permission denied"),
    "a directory": (Path.mkdir, "it is a directory"),
    "nothing": (lambda path: None, "no such file or directory"),
    "a damaged program": (program(b"\x7fELF\2\1\0\0"), "it is damaged, or not a program for this machine"),
    "a program of another machine": (_machine_is_another, "it is damaged, or not a program for this machine"),
    "a script whose interpreter is missing": (program(b"#!/nope/sh -e\n"), "its interpreter /nope/sh does not exist"),
    "a program whose loader is missing": (_loader_is_missing, "/ld-"),
}


@needs_elf
@pytest.mark.parametrize(
    "kind",
    variants(KINDS, quick=["a script without #!", "a file without the mode", "nothing", "a damaged program"]),
)
def test_exit_codes_are_those_of_a_shell(tmp_path: Path, kind: str) -> None:
    make, reason = KINDS[kind]
    make(tmp_path / "it")
    ours, theirs = (start("./it", "a b", cwd=tmp_path, shell=shell) for shell in (False, True))
    assert ours.returncode == theirs.returncode, theirs.stderr
    if reason:
        assert ours.stdout.startswith("cannot execute ./it: ")
        assert reason in ours.stdout
    else:
        assert ours.stdout == theirs.stdout


@pytest.mark.parametrize(
    ("name", "code", "reason"),
    [
        ("absent-command", 127, "command not found"),
        ("plain", 126, "permission denied"),
        ("folder", 127, "command not found"),
        ("", 127, "command not found"),
        ("/etc/passwd", 126, "permission denied"),
    ],
)
def test_a_command_that_is_not_a_program_on_path_is_an_error(tmp_path: Path, name: str, code: int, reason: str) -> None:
    (tmp_path / "plain").touch()
    (tmp_path / "folder").mkdir()
    with pytest.raises(CommandError) as caught:
        execute([name], {"PATH": str(tmp_path)})
    assert str(caught.value) == f"cannot execute {name or repr(name)}: {reason}"
    assert caught.value.exit_code == code


def test_a_script_without_an_interpreter_is_found_on_path(tmp_path: Path) -> None:
    program(b'echo "$0 $1"\n')(tmp_path / "-x")
    done = start("-x", "1", cwd=tmp_path, environ={"PATH": f"{tmp_path}:{os.environ['PATH']}"})
    assert done.stdout == f"{tmp_path}/-x 1\n"
    done = start("-x", "1", cwd=tmp_path, environ={"PATH": f":{os.environ['PATH']}"})
    assert done.stdout == "./-x 1\n", "the path is not an option of the shell"


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="signals are read from /proc")
@pytest.mark.parametrize(
    "ignored", [(), (signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", 1))], ids=["none", "by the caller"]
)
def test_the_command_ignores_only_the_signals_that_the_caller_ignores(tmp_path: Path, ignored: tuple[int, ...]) -> None:
    numbers = " ".join(str(int(number)) for number in ignored)
    ignore = f'trap "" {numbers}; ' if ignored else ""
    done = subprocess.run(
        ["/bin/sh", "-c", f'{ignore}exec "$@"', "sh", sys.executable, "-S", "-c", EXECUTE, "cat", "/proc/self/status"],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(IMPORTED_FROM)},
        capture_output=True,
        text=True,
        check=True,
    )
    fields = dict(line.split(":", 1) for line in done.stdout.splitlines())
    # Those of `nohup` and of a shell's background jobs are inherited; Python itself ignores SIGPIPE and SIGXFSZ.
    pythons_own = (signal.SIGPIPE, signal.SIGXFSZ)
    inherited = {
        number for number in range(1, 32) if number not in pythons_own and signal.getsignal(number) == signal.SIG_IGN
    }
    mask = sum(1 << (number - 1) for number in {*map(int, ignored), *inherited})
    # Signals 1 to 31: 32 and 33 are the C library's own, and ignored in what posix_spawn starts.
    assert int(fields["SigIgn"], 16) & 0x7FFFFFFF == mask
    assert int(fields["SigBlk"], 16) == 0


def test_a_closed_pipe_ends_its_writer_silently(tmp_path: Path) -> None:
    done = start("/bin/sh", "-c", "yes | head -1", cwd=tmp_path)
    assert (done.stdout, done.stderr) == ("y\n", "")


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="only /proc tells the environment as it was")
@pytest.mark.parametrize(
    "given", [{}, {"LC_CTYPE": ""}, {"LC_CTYPE": "C.UTF-8"}, {"LANG": "C", "LC_CTYPE": "C"}], ids=str
)
def test_the_command_has_the_locale_of_the_caller(tmp_path: Path, given: dict[str, str]) -> None:
    """If the locale is C, Python sets LC_CTYPE for itself and its children."""
    code = EXECUTE.replace("os.environ", "caller_environment(os.environ)").replace(
        "execute\n", "execute, caller_environment\n"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", code, shutil.which("env") or "env"],
        env={"PYTHONPATH": str(IMPORTED_FROM), **given},
        capture_output=True,
        text=True,
        check=True,
    )
    assert dict(line.split("=", 1) for line in done.stdout.splitlines() if line.startswith(("L", "LC"))) == given


def test_other_variables_are_kept(tmp_path: Path) -> None:
    assert caller_environment({"A": "1", "LC_CTYPE": "de_DE.UTF-8"}) == {"A": "1", "LC_CTYPE": "de_DE.UTF-8"}
