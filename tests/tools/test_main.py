"""``python -m tools.snapshot``: the same bytes for the same files, and errors for files that it cannot read."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from provision.catalog.snapshot import BUNDLED, Snapshot
from provision.errors import FAILURE, USAGE
from tests.catalog.samples import full, ndjson_line

ROOT = Path(__file__).parents[2]
FULL = full("3.14.2", "20260127", "lto")


def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the tool from the root of the repository, as CONTRIBUTING describes."""
    command = [sys.executable, "-m", "tools.snapshot", *map(str, words)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_files_are_merged_into_a_snapshot(tmp_path: Path) -> None:
    (tmp_path / "rows.ndjson").write_bytes(ndjson_line(FULL))
    done = run("--as-of", "2026-02-01", "-o", tmp_path / "out.bin", tmp_path / "rows.ndjson")
    assert (done.returncode, done.stderr) == (0, "")
    written = (tmp_path / "out.bin").read_bytes()
    assert done.stdout == f"wrote {tmp_path / 'out.bin'}, {len(written)} bytes\n"
    assert [asset.filename for asset in Snapshot(written).all_assets()] == [FULL]


def test_all_files_that_cannot_be_read_are_reported_and_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("<html>")
    done = run("--as-of", "2026-02-01", "-o", tmp_path / "out.bin", tmp_path / "page.html", tmp_path / "nowhere")
    assert done.returncode == FAILURE
    assert done.stderr.splitlines() == [
        f"error: {tmp_path / 'page.html'}: not a catalog in a format that provision can read",
        f"error: {tmp_path / 'nowhere'}: the source cannot be read: no such file or directory",
    ]
    assert not (tmp_path / "out.bin").exists()


def test_a_missing_or_invalid_time_is_refused(tmp_path: Path) -> None:
    assert "--as-of" in run("-o", tmp_path / "out.bin", BUNDLED).stderr
    done = run("--as-of", "today", "-o", tmp_path / "out.bin", BUNDLED)
    assert done.returncode == USAGE
    assert "'today' is not a time" in done.stderr


def test_the_help_has_an_example() -> None:
    assert "\n  python -m tools.snapshot --as-of " in run("--help").stdout
