"""A second file system to test on."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def another_file_system(than: Path) -> Path:
    """A directory on another file system than that of an existing path; skips the test where there is none."""
    for place in ("/dev/shm", "/var/tmp", "/tmp"):
        if os.access(place, os.W_OK) and Path(place).stat().st_dev != than.stat().st_dev:
            return Path(place)
    pytest.skip("there is no second file system at hand")
