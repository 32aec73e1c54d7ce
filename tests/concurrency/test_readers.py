"""Readers and writers at the same time: each read gives a whole file, the old one or the new."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

READER = """
import sys, time
from pathlib import Path
from provision.host.files import read_small_file

seen, path, end = set(), Path(sys.argv[1]), time.monotonic() + 0.5
while time.monotonic() < end:
    seen.add(read_small_file(path, 100_000))
print(*sorted(len(content) for content in seen if set(content) == {content[0]}), len(seen))
"""
WRITER = """
import sys, time
from pathlib import Path
from provision.host.files import replace_file

letter, path, end = sys.argv[2], Path(sys.argv[1]), time.monotonic() + 0.5
while time.monotonic() < end:
    replace_file(path, letter.encode() * 50_000)
"""


def test_readers_see_complete_files_beside_writers(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"a" * 50_000)
    scripts = [(READER, ""), (READER, ""), (WRITER, "a"), (WRITER, "b")]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(path), letter],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for script, letter in scripts
    ]
    ended = [(*process.communicate(timeout=60), process.returncode) for process in processes]
    assert [(error, code) for _, error, code in ended] == [("", 0)] * 4
    for said, _, _ in ended[:2]:
        *sizes, count = said.split()
        assert set(sizes) == {"50000"}
        assert len(sizes) == int(count)
    assert [each.name for each in tmp_path.iterdir()] == ["file"]
