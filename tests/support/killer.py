"""Processes killed, or made to fail, at a chosen step on disk.

A first run lists the steps (`trace`); then one run each is killed (`kill_at`), or gets an error (`fail_at`), at one
step. The command must be a Python that reads its environment (no ``-I`` or ``-E``); `startup/sitecustomize.py` does
the rest.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

# On Windows, ending a process takes a number, which is then its exit code.
KILL: int = getattr(signal, "SIGKILL", 9)

ROOT = Path(__file__).resolve().parent.parent.parent
_STARTUP = Path(__file__).resolve().parent / "startup"


@dataclass(frozen=True, slots=True)
class Step:
    """One change on disk, just before it is made: its number from 1, what it is, and to which path.

    ``visible``: its number among the changes that other processes see, or 0. Those are as many in every run; of the
    rest, processes that share their work make some more or some fewer.
    """

    number: int
    visible: int
    event: str
    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Victim:
    """A command whose steps below ``under`` are counted. ``env`` is added to this process's environment."""

    command: Sequence[str]
    under: Path
    cwd: Path
    env: Mapping[str, str]
    timeout: float = 60

    def trace(self) -> tuple[Step, ...]:
        """Run to the end, which must be successful, and return all steps."""
        process, steps = self._run(action="none")
        if process.returncode:
            raise AssertionError(f"{self.command} failed:\n{process.stdout}{process.stderr}")
        return steps

    def kill_at(self, step: int, *, number: int = KILL) -> subprocess.CompletedProcess[str]:
        """Run until just before a step, and send a signal there."""
        return self._run(at=step, action=f"signal:{number}")[0]

    def kill_at_visible(self, step: int, *, number: int = KILL) -> subprocess.CompletedProcess[str]:
        """Run until just before a step that others see, counted among those, and send a signal there."""
        return self._run(at_visible=step, action=f"signal:{number}")[0]

    def fail_at(self, step: int, error: int) -> subprocess.CompletedProcess[str]:
        """Run, and let one step fail with an ``errno``."""
        return self._run(at=step, action=f"error:{error}")[0]

    def _run(
        self, *, action: str, at: int = 0, at_visible: int = 0
    ) -> tuple[subprocess.CompletedProcess[str], tuple[Step, ...]]:
        with tempfile.TemporaryDirectory() as folder:
            log = Path(folder, "steps")
            process = subprocess.run(
                self.command,
                cwd=self.cwd,
                env=self._environment(log, at, at_visible, action),
                capture_output=True,
                text=True,
                errors="replace",
                timeout=self.timeout,
                check=False,
            )
            return process, _read(log)

    def _environment(self, log: Path, at: int, at_visible: int, action: str) -> dict[str, str]:
        before = {**os.environ, **self.env}
        path = before.get("PYTHONPATH", "")
        return before | {
            "PYTHONPATH": os.pathsep.join([str(_STARTUP), *([path] if path else [])]),
            "KILLER_PYTHONPATH": path,
            "KILLER_LOG": str(log),
            "KILLER_UNDER": str(self.under),
            "KILLER_AT": str(at),
            "KILLER_AT_VISIBLE": str(at_visible),
            "KILLER_ACTION": action,
        }


def python(*arguments: str) -> tuple[str, ...]:
    """A command of this test run's own Python."""
    return (sys.executable, *arguments)


def was_killed(process: subprocess.CompletedProcess[str]) -> bool:
    """Whether the process ended by `KILL`, and not before or after."""
    return process.returncode == (KILL if os.name == "nt" else -KILL)


def _read(log: Path) -> tuple[Step, ...]:
    lines = log.read_text(encoding="utf-8", errors="surrogateescape").splitlines() if log.exists() else []
    fields = (line.split("\t", 3) for line in lines)
    return tuple(Step(int(number), int(visible), event, Path(path)) for number, visible, event, path in fields)
