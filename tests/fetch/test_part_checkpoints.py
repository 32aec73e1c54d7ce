"""How often a download saves a checkpoint: a kill loses a mebibyte or two."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from provision.fetch.settings import MIB
from tests.fetch.samples import PATH, asset, content, fetcher
from tests.support.faults import Stall
from tests.support.server import Server

_SCRIPT = """
import sys
from pathlib import Path
from provision.fetch.settings import DownloadSettings
from tests.fetch.samples import *
with fetcher(Path(sys.argv[1]), settings=DownloadSettings(connections=1)) as fetch:
    fetch.fetch(asset(sys.argv[2], content(3 * MIB)))
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_a_killed_process_loses_less_than_a_mebibyte_or_two(server: Server, tmp_path: Path) -> None:
    data = content(3 * MIB)
    url = server.put(PATH, data)
    server.fault(PATH, Stall(after=2_500_000), times=1)
    process = subprocess.Popen([sys.executable, "-c", _SCRIPT, str(tmp_path), url])
    part = tmp_path / "cache" / "archives" / "sha256"
    while not any(path.stat().st_size == 2_500_000 for path in part.glob("*.part")):
        assert process.poll() is None
    process.kill()
    process.wait()
    with fetcher(tmp_path) as fetch:
        assert fetch.fetch(asset(url, data)).read_bytes() == data
    start = int(server.seen(PATH)[1].headers["range"].removeprefix("bytes=").partition("-")[0])
    assert 1_000_000 < start <= 2_500_000
