"""A cached archive is hashed and decompressed before it is requested, if it is certainly the right one."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from provision.store.archives import ArchiveCache
from tests.fetch.samples import digest
from tests.install.processes import run_code
from tests.support.server import Server
from tests.unpack.archives import COMPRESSORS, file, tar

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="nothing is forked elsewhere")

FIRST = COMPRESSORS["tar.gz"](tar(file(b"python/a", b"A" * 1000)))
SECOND = COMPRESSORS["tar.zst"](tar(file(b"python/b", b"B" * 1000)))

# `early()` is whether it has decompressed something by itself, `ask(data)` whether it then decompresses that.
PRELUDE = """\
import os, select, sys
from pathlib import Path
from provision.fetch.fetcher import Fetcher
from provision.install.fetch_process import FetchesBeside, FetchProcess
from provision.protocols import NoProgress
from provision.store.archives import ArchiveCache
from tests.fetch.samples import asset
from tests.install.test_fetch_service import FIRST, SECOND

here, url, lock = Path(sys.argv[1]), sys.argv[2], sys.argv[3].encode()
os.sched_getaffinity = lambda pid: {0, 1}  # a machine of two processors
process = FetchProcess.start({"PROVISION_CACHE_DIR": str(here)}, lock)
filled = select.poll()
filled.register(process._ring._filled, select.POLLIN)

def early(wait=300):
    return bool(filled.poll(wait))

def ask(data):
    process.prepare(
        {"cache": str(here), "mirrors": [], "offline": False, "jobs": 1, "jitter": 0, "allow_hosts": []}, NoProgress()
    )
    fetcher = Fetcher(ArchiveCache(here), environ={})
    path = FetchesBeside(fetcher, process, lambda: None, all_there=True).fetch(asset(url, data))
    assert path.read_bytes() == data
    helper = process.helper(path, os.open(here / "lock", os.O_RDWR | os.O_CREAT))
    return b"".join(map(bytes, helper.read_ahead(iter([])))).strip(b"\\0")[:8] if helper else None
"""


def run(code: str, here: Path, lock: str, url: str = "http://127.0.0.1:9/none") -> str:
    return run_code(PRELUDE + code + "\nprocess.close()\n", here, url, lock)


def cache(here: Path, *archives: bytes) -> None:
    for data in archives:
        place = ArchiveCache(here).path(digest(data))
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)


def lock_of(*archives: bytes) -> str:
    return "".join(f'sha256 = "{digest(data).hex}"\n' for data in archives)


@pytest.mark.parametrize(("data", "name"), [(FIRST, "python/a"), (SECOND, "python/b")])
def test_the_only_locked_archive_in_the_cache_is_decompressed_early(tmp_path: Path, data: bytes, name: str) -> None:
    cache(tmp_path, FIRST, SECOND)
    code = f"print(early(5000), ask({'FIRST' if data is FIRST else 'SECOND'}))"
    assert run(code, tmp_path, lock_of(data)) == f"True {name.encode()!r}\n"


def test_of_two_cached_archives_or_a_damaged_one_none_is_decompressed_early(tmp_path: Path) -> None:
    cache(tmp_path, FIRST, SECOND)
    assert run("print(early(), ask(SECOND))", tmp_path, lock_of(FIRST, SECOND)) == "False b'python/b'\n"
    ArchiveCache(tmp_path).path(digest(FIRST)).write_bytes(FIRST[:-1])
    assert run("print(early())", tmp_path, lock_of(FIRST)) == "False\n"


def test_another_archive_than_the_one_decompressed_early_can_be_requested(server: Server, tmp_path: Path) -> None:
    cache(tmp_path, FIRST)
    code = "print(early(5000), ask(SECOND))"
    assert run(code, tmp_path, lock_of(FIRST), server.put("b", SECOND)) == "True None\n"


def test_an_archive_is_decompressed_after_its_download(server: Server, tmp_path: Path) -> None:
    code = "print(early(), ask(SECOND))"
    assert run(code, tmp_path, lock_of(SECOND), server.put("b", SECOND)) == "False b'python/b'\n"


def test_only_the_parent_reports_a_format_that_cannot_be_read(server: Server, tmp_path: Path) -> None:
    code = """
from provision.errors import ProvisionError
from provision.unpack import compression
process.close()
def refuse():
    raise ProvisionError("no zstd")
compression.zstd_module = refuse
process = FetchProcess.start({"PROVISION_CACHE_DIR": str(here)}, b"")
sys.stderr = sys.stdout  # too late for the other process
os.dup2(1, 2)
print(ask(SECOND))"""
    assert run(code, tmp_path, "", server.put("b", SECOND)) == "b''\n"
