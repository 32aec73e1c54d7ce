"""Pseudo-terminals: commands that write to one, and interactive shells that tests type into."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from fcntl import ioctl
from pathlib import Path

_SECONDS = 60
# Seconds without output after which such a shell is waiting for a line; before, it drops what is typed.
_QUIET = 0.1


def run_on_terminal(
    command: Sequence[str],
    *,
    directory: Path,
    environ: Mapping[str, str],
    size: tuple[int, int] | None = None,
    stdout: int | None = None,
) -> tuple[int, bytes]:
    """Run a command that writes to a terminal; its exit code, and what the terminal got.

    ``size`` is in lines and columns; where it is None, the terminal reports none. ``stdout`` goes elsewhere if given.
    """
    reader, writer = pty.openpty()
    if size:
        ioctl(writer, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
    with (
        os.fdopen(reader, "rb", buffering=0) as terminal,
        subprocess.Popen(
            command, cwd=directory, env=environ, stdout=writer if stdout is None else stdout, stderr=writer
        ) as run,
    ):
        os.close(writer)
        received = b""
        try:
            while chunk := terminal.read(1 << 16):
                received += chunk
        except OSError:  # Linux reports the other end's closing as EIO
            pass
    return run.returncode, received


class Terminal:
    """One interactive shell. It is given lines one by one, each of which ends before the next one is typed.

    ``ready`` is what a shell prints before each prompt that drops what is typed earlier; others need none.
    """

    def __init__(self, command: Sequence[str], *, directory: Path, environ: Mapping[str, str], ready: str = "") -> None:
        self._count, self._ready = 0, ready
        self.process, self._descriptor = pty.fork()
        if self.process == 0:
            os.chdir(directory)
            os.execvpe(command[0], list(command), dict(environ))
        if ready:
            self._read_until(ready)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *error: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.process, signal.SIGKILL)
        os.waitpid(self.process, 0)
        os.close(self._descriptor)

    def type(self, line: str) -> str:
        """Type a line, and return what is shown until the shell has run it and prompts again."""
        self._write(f"{line}\n")
        if self._ready:
            return self._read_until(self._ready)
        # A line that waits for the prompt prints a mark, whose parts are not together in what is typed.
        self._count += 1
        self._write(f"echo 'end-''{self._count}-'\n")
        return self._read_until(f"end-{self._count}-")

    def _write(self, text: str) -> None:
        os.write(self._descriptor, text.encode())

    def _read_until(self, mark: str) -> str:
        shown, deadline = b"", time.monotonic() + _SECONDS
        while mark.encode() not in shown:
            ready, _, _ = select.select([self._descriptor], [], [], max(0, deadline - time.monotonic()))
            assert ready, f"no {mark!r} in: {shown.decode(errors='replace')}"
            shown += os.read(self._descriptor, 65536)
        while self._ready and select.select([self._descriptor], [], [], _QUIET)[0]:
            shown += os.read(self._descriptor, 65536)
        return shown.decode(errors="replace").replace("\r\n", "\n")
