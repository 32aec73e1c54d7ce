"""Commands started as a POSIX shell starts them: lookup, exit codes, signals.

126 is the exit code for what cannot be executed, 127 for what does not exist.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from provision.errors import ProvisionError, StoreError, reason_of
from provision.host.files import exists, find_program, is_directory, is_file, open_regular

NOT_EXECUTABLE, NOT_FOUND = 126, 127

# The suffixes of files that an interpreter runs.
PYTHON_FILES = (".py", ".pyz")
# bash distinguishes a script from a program by its first line, of which it reads no more than this.
_FIRST_BYTES = 80
# PEP 538: if the locale is C, Python sets LC_CTYPE to the first of these that the system has.
_COERCED_LOCALES = ("C.UTF-8", "C.utf8", "UTF-8")
# Signals that Python ignores from its start on; an ignored signal stays ignored in the command.
_IGNORED_BY_PYTHON = ("SIGPIPE", "SIGXFZ", "SIGXFSZ")


class CommandError(ProvisionError):
    """A command that could not be started; with the exit code that a shell would give."""

    def __init__(self, command: str, reason: str, *, code: int) -> None:
        super().__init__(f"cannot execute {command or repr(command)}: {reason}")
        self.exit_code = code


def execute(command: Sequence[str], environ: Mapping[str, str]) -> int:
    """Replace this process by a command; on Windows, run it and return its exit code.

    Raises `CommandError` if it cannot be started.
    """
    name = command[0]
    program = _find_program(name, environ)
    try:
        if os.name == "nt":
            return _run_child([program, *command[1:]], environ)
        _restore_signals()
        _replace_process(program, command, environ)
    except OSError as error:
        raise _command_error(name, program, error) from error


def caller_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """``environ`` as this process received it, if Python has changed it and the system has the original."""
    result = dict(environ)
    if result.get("LC_CTYPE") in _COERCED_LOCALES:
        try:
            variables = Path("/proc/self/environ").read_bytes().split(b"\0")
        except OSError:
            return result
        prefix = b"LC_CTYPE="
        given = [each.removeprefix(prefix) for each in variables if each.startswith(prefix)]
        if given:
            result["LC_CTYPE"] = os.fsdecode(given[0])
        else:
            del result["LC_CTYPE"]
    return result


def _run_child(command: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run a command to its end; its exit code, as the signed number that a process can exit with.

    Ctrl-C goes to all processes of a console. The command decides how to react; this process waits for it.
    """
    import signal
    import subprocess

    for name in ("SIGINT", "SIGBREAK"):
        signal.signal(getattr(signal, name, signal.SIGINT), signal.SIG_IGN)
    code = subprocess.Popen(command, env=environ).wait()
    return code - (1 << 32) if code >> 31 == 1 else code


def _replace_process(program: str, command: Sequence[str], environ: Mapping[str, str]) -> NoReturn:
    try:
        os.execve(program, list(command), environ)  # noqa: S606  (there is no shell, and that is the point)
    except OSError as error:
        if error.errno != errno.ENOEXEC or not _is_script(program):
            raise
    # A script without `#!`: POSIX lets shells run it. A path that begins with a dash would be read as an option.
    script = program if os.sep in program else os.path.join(os.curdir, program)  # noqa: PTH118
    os.execve("/bin/sh", ["sh", script, *command[1:]], environ)  # noqa: S606


def _restore_signals() -> None:
    import signal

    for name in _IGNORED_BY_PYTHON:
        number = getattr(signal, name, None)
        if number is not None:
            signal.signal(number, signal.SIG_DFL)


def _is_script(program: str) -> bool:
    return b"\0" not in _first_line(program)


def _first_line(program: str) -> bytes:
    try:
        with open_regular(Path(program)) as (descriptor, _):
            return os.read(descriptor, _FIRST_BYTES).partition(b"\n")[0]
    except OSError:
        return b""


def _find_program(name: str, environ: Mapping[str, str]) -> str:
    """The path of a command; raises `CommandError` if a shell would find nothing that it may execute."""
    path = environ.get("PATH", os.defpath)
    if os.name == "nt":
        endings = (environ.get("PATHEXT") or ".COM;.EXE;.BAT;.CMD").lower().split(";")
        program = find_program(name, environ, endings=tuple(filter(None, endings)))
    else:
        import shutil

        program = shutil.which(name, path=path)
    if program is not None:
        return program
    if Path(name).name == name:
        places = [Path(directory, name) for directory in path.split(os.pathsep)]
        found = next(filter(is_file, places), None)
    else:
        found = Path(name)
    if found is None:
        reason = "no such file" if name.endswith(PYTHON_FILES) else "command not found"
        raise CommandError(name, reason, code=NOT_FOUND)
    missing = not exists(found)
    number = errno.ENOENT if missing else errno.EACCES
    raise _command_error(name, str(found), OSError(number, os.strerror(number)))


def _command_error(name: str, program: str, error: OSError) -> CommandError:
    code = NOT_FOUND if error.errno == errno.ENOENT else NOT_EXECUTABLE
    return CommandError(name, why_not_executed(Path(program), error), code=code)


def refuses_programs(directory: Path) -> bool:
    """Whether the file system of a directory, which need not exist yet, is mounted so that nothing on it can run."""
    noexec = getattr(os, "ST_NOEXEC", 0)
    for place in (directory, *directory.parents) if noexec else ():
        try:
            return bool(os.statvfs(place).f_flag & noexec)
        except OSError:
            continue
    return False


def noexec_error(directory: Path) -> StoreError:
    """The error for a store on a file system that `refuses_programs`."""
    return StoreError(
        f"interpreters cannot run in {directory}: its file system is mounted `noexec`",
        hint="Set PROVISION_HOME to a directory on another file system, or mount this one with `exec`.",
    )


def why_not_executed(path: Path, error: OSError) -> str:
    """The reason why the system did not start a program, as the end of a sentence; ``error`` is the system's error."""
    match error.errno:
        case errno.EACCES if is_directory(path):
            return "it is a directory"
        case errno.EACCES if refuses_programs(path) and is_file(path):
            return "its file system is mounted `noexec`"
        case errno.EACCES:
            return "permission denied"
        case errno.ENOEXEC:
            return "it is damaged, or not a program for this machine"
        case errno.ENOENT if exists(path):
            return f"{_missing_interpreter(path)} does not exist"
        case _:
            return reason_of(error)


def _missing_interpreter(program: Path) -> str:
    from provision.host.detect import read_elf

    line = _first_line(str(program))
    if line.startswith(b"#!"):
        return f"its interpreter {os.fsdecode(line[2:].split()[0])}" if line[2:].split() else "its interpreter"
    elf = read_elf(program)
    return f"its loader {elf.interpreter}" if elf and elf.interpreter else "a required file"
