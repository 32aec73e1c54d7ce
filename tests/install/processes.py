"""Shared by tests of forked processes: each test is a separate process, because only one with a single thread forks."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

from tests.support.killer import ROOT


def run_code(code: str, *words: str | Path, expect: int = 0) -> str:
    """Run Python code with arguments in ``sys.argv``; returns what it printed."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code), *map(str, words)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (expect, ""), done.stderr
    return done.stdout


def is_alive(pid: int) -> bool:
    """Whether it still runs after 20 seconds, so long that a loaded machine ends it; it may be a zombie by then."""
    for _ in range(2000):
        try:
            state = Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return False
        if state == "Z":
            return False
        time.sleep(0.01)
    return True
