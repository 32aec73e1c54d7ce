"""A `Fetcher`: a path to verified bytes, or an error; one download for all."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from provision.errors import IntegrityError, LockTimeoutError, NetworkError, PolicyError, StoreError, UsageError
from provision.fetch.retry import CancelledError
from provision.model.value import replace
from provision.store.archives import ArchiveCache
from tests.fetch.conftest import Internet
from tests.fetch.samples import AT_ONCE, PATH, QUICK, SMALL, RecordedProgress, asset, digest, fetcher, leftovers
from tests.support.faults import Mute, Other, WholeAnyway
from tests.support.server import Server


def _cached(tmp_path: Path) -> Path:
    return ArchiveCache(tmp_path / "cache").path(digest(SMALL))


def test_an_asset_is_downloaded_once_and_then_read_from_the_cache(server: Server, tmp_path: Path) -> None:
    wanted = asset(server.put(PATH, SMALL), size=len(SMALL))
    with fetcher(tmp_path) as fetch:
        assert fetch.fetch(wanted) == _cached(tmp_path)
        assert fetch.fetch(wanted).read_bytes() == SMALL
    assert server.count() == 1
    assert leftovers(tmp_path) == []


def test_a_damaged_archive_in_the_cache_is_removed_and_downloaded_again(server: Server, tmp_path: Path) -> None:
    wanted, record = asset(server.put(PATH, SMALL)), RecordedProgress()
    with fetcher(tmp_path, progress=record) as fetch:
        path = fetch.fetch(wanted)
        path.write_bytes(SMALL[:-1] + b"!")
        assert fetch.fetch(wanted).read_bytes() == SMALL
    assert server.count() == 2
    assert "sha256 mismatch" in record.notes[0]


@pytest.mark.skipif(os.name == "nt", reason="Windows has neither FIFOs nor such devices")
def test_a_fifo_or_a_device_in_the_cache_is_refused_at_once(server: Server, tmp_path: Path) -> None:
    wanted, path = asset(server.put(PATH, SMALL)), _cached(tmp_path)
    path.parent.mkdir(parents=True)
    for make in (os.mkfifo, Path.mkdir, lambda place: place.symlink_to("/dev/zero")):
        make(path)
        with fetcher(tmp_path) as fetch, pytest.raises(StoreError, match="it is not a regular file"):
            fetch.fetch(wanted)
        path.rmdir() if path.is_dir() else path.unlink()
    assert server.count() == 0


def test_a_damaged_archive_is_removed_even_while_offline(server: Server, tmp_path: Path) -> None:
    wanted = asset(server.put(PATH, SMALL))
    with fetcher(tmp_path) as fetch:
        fetch.fetch(wanted).write_bytes(b"damaged")
    with fetcher(tmp_path, offline=True) as fetch, pytest.raises(NetworkError):
        fetch.fetch(wanted)
    assert not _cached(tmp_path).exists()


def test_while_offline_a_cached_archive_is_returned_and_a_missing_one_named(server: Server, tmp_path: Path) -> None:
    wanted = asset(server.put(PATH, SMALL))
    missing = pytest.raises(NetworkError, match=r"install_only_stripped\.tar\.gz is not in the cache")
    with fetcher(tmp_path, offline=True) as fetch, missing as caught:
        fetch.fetch(wanted)
    assert caught.value.exit_code == 6
    assert server.count() == 0
    with fetcher(tmp_path) as fetch:
        fetch.fetch(wanted)
    with fetcher(tmp_path, offline=True) as fetch:
        assert fetch.fetch(wanted).read_bytes() == SMALL


def test_while_offline_a_mirror_of_files_is_used(tmp_path: Path) -> None:
    mirrored = tmp_path / "mirror" / PATH
    mirrored.parent.mkdir(parents=True)
    mirrored.write_bytes(SMALL)
    wanted = asset(f"https://github.com/astral-sh/python-build-standalone/releases/download/{PATH}")
    with fetcher(tmp_path, offline=True, mirrors=((tmp_path / "mirror").as_uri(),)) as fetch:
        assert fetch.fetch(wanted).read_bytes() == SMALL


def test_a_document_is_not_fetched_while_offline(server: Server, tmp_path: Path) -> None:
    with fetcher(tmp_path, offline=True) as fetch, pytest.raises(NetworkError, match="offline") as caught:
        fetch.get(server.put("catalog.ndjson", b"{}"), {})
    assert server.count() == 0
    assert caught.value.hint == "Run once without `--offline`.", "mirrors have archives only"


def test_progress_is_reported_in_bytes(server: Server, tmp_path: Path) -> None:
    wanted, record = asset(server.put(PATH, SMALL)), RecordedProgress()
    with fetcher(tmp_path, progress=record) as fetch:
        fetch.fetch(wanted)
    assert record.steps[-1] == (f"{wanted.title}: fetch", len(SMALL))
    assert record.done == {wanted.sha256.hex: len(SMALL)}
    assert record.finished == [wanted.sha256.hex]
    assert record.notes == []


def test_threads_that_request_the_same_asset_share_one_download(server: Server, tmp_path: Path) -> None:
    wanted = asset(server.put(PATH, SMALL))
    with fetcher(tmp_path) as fetch, ThreadPoolExecutor(8) as pool:
        paths = list(pool.map(fetch.fetch, [wanted] * 8))
    assert set(paths) == {_cached(tmp_path)}
    assert server.count() == 1


def test_threads_that_request_different_assets_each_get_their_own(server: Server, tmp_path: Path) -> None:
    contents = [SMALL[:size] for size in range(10_000, 100_000, 10_000)]
    wanted = [asset(server.put(f"20261101/{len(data)}.tar.gz", data), data) for data in contents]
    with fetcher(tmp_path) as fetch, ThreadPoolExecutor(4) as pool:
        assert [path.read_bytes() for path in pool.map(fetch.fetch, wanted)] == contents
    assert len({seen.connection for seen in server.requests}) <= 4, "connections are used again"


def test_processes_that_request_the_same_asset_share_one_download(server: Server, tmp_path: Path) -> None:
    url = server.put(PATH, SMALL)
    script = (
        "import sys; from pathlib import Path; from tests.fetch.samples import *\n"
        "with fetcher(Path(sys.argv[1])) as fetch: print(fetch.fetch(asset(sys.argv[2])))"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", script, str(tmp_path), url], stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    printed = [process.communicate()[0].strip() for process in running]
    assert printed == [str(_cached(tmp_path))] * 4
    assert server.count() == 1


def test_waiting_for_another_process_is_reported_and_ends(server: Server, tmp_path: Path) -> None:
    wanted, record = asset(server.put(PATH, SMALL)), RecordedProgress()
    held = ArchiveCache(tmp_path / "cache").lock(wanted.sha256)
    with fetcher(tmp_path, progress=record) as fetch, ThreadPoolExecutor(1) as pool:
        with held:
            waiting = pool.submit(fetch.fetch, wanted)
            assert record.noted.wait(5)
            assert server.count() == 0
        assert waiting.result(timeout=5).read_bytes() == SMALL
    assert "is in use by" in record.notes[0]
    assert record.notes[0].endswith("; waiting")


def test_waiting_for_another_process_times_out(server: Server, tmp_path: Path) -> None:
    wanted = asset(server.put(PATH, SMALL))
    with (
        ArchiveCache(tmp_path / "cache").lock(wanted.sha256),
        fetcher(tmp_path, environ={"PROVISION_LOCK_TIMEOUT": "0.1"}) as fetch,
        pytest.raises(LockTimeoutError),
    ):
        fetch.fetch(wanted)


def test_waiting_for_another_process_can_be_cancelled(server: Server, tmp_path: Path) -> None:
    wanted, record = asset(server.put(PATH, SMALL)), RecordedProgress()
    with (
        ArchiveCache(tmp_path / "cache").lock(wanted.sha256),
        fetcher(tmp_path, progress=record) as fetch,
        ThreadPoolExecutor(1) as pool,
    ):
        waiting = pool.submit(fetch.fetch, wanted)
        assert record.noted.wait(5)
        fetch.cancel()
        with pytest.raises(CancelledError):
            waiting.result(timeout=AT_ONCE)


def test_leaving_the_context_cancels_running_downloads(server: Server, tmp_path: Path) -> None:
    wanted = asset(server.put(PATH, SMALL))
    server.fault(PATH, Mute())
    with ThreadPoolExecutor(1) as pool:
        with fetcher(tmp_path, settings=replace(QUICK, idle_timeout=20.0)) as fetch:
            waiting = pool.submit(fetch.fetch, wanted)
            while not server.count():
                time.sleep(0.005)
            started = time.monotonic()
        with pytest.raises(CancelledError):
            waiting.result(timeout=AT_ONCE)
    assert time.monotonic() - started < AT_ONCE


def test_a_host_that_is_not_allowed_is_never_connected_to(tmp_path: Path) -> None:
    with (
        fetcher(tmp_path) as fetch,
        pytest.raises(PolicyError, match=r"host evil\.example is not allowed") as caught,
    ):
        fetch.fetch(asset(f"https://evil.example/{PATH}"))
    assert caught.value.exit_code == 5
    assert leftovers(tmp_path) == []


def test_a_mismatch_is_an_integrity_error_with_both_digests_and_the_url(server: Server, tmp_path: Path) -> None:
    wanted = asset(server.put(PATH, SMALL))
    server.fault(PATH, Other(body=b"something else"))
    with fetcher(tmp_path) as fetch, pytest.raises(IntegrityError) as caught:
        fetch.fetch(wanted)
    assert caught.value.exit_code == 5
    assert "the archive is not the locked one" in str(caught.value)
    assert digest(b"something else").hex in str(caught.value)
    assert wanted.sha256.hex in str(caught.value)
    assert wanted.url in str(caught.value)
    assert not _cached(tmp_path).exists()
    assert leftovers(tmp_path) == []


def test_a_missing_asset_is_a_network_error(server: Server, tmp_path: Path) -> None:
    with fetcher(tmp_path) as fetch, pytest.raises(NetworkError, match="404 Not Found") as caught:
        fetch.fetch(asset(server.at(PATH)))
    assert caught.value.exit_code == 6
    assert server.count() == 1
    assert leftovers(tmp_path) == []


def test_a_cache_that_cannot_be_created_is_a_store_error(server: Server, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    with fetcher(tmp_path) as fetch, pytest.raises(StoreError, match="a file is where a directory should be"):
        fetch.fetch(asset(server.put(PATH, SMALL)))


def test_invalid_settings_are_usage_errors(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="invalid mirror"):
        fetcher(tmp_path, mirrors=("mirror.example",))
    with pytest.raises(UsageError, match="not a host to allow"):
        fetcher(tmp_path, allow_hosts=("not a host",))
    with pytest.raises(UsageError, match="PROVISION_LOCK_TIMEOUT"):
        fetcher(tmp_path, environ={"PROVISION_LOCK_TIMEOUT": "soon"})


def test_hosts_of_the_user_s_configuration_are_allowed(internet: Internet, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('allow-hosts = ["mirror.example"]')
    environ = internet.environ | {"PROVISION_CONFIG_DIR": str(tmp_path)}
    internet.server.put("a", SMALL)
    with fetcher(tmp_path, environ=environ) as fetch:
        assert fetch.fetch(asset("https://mirror.example/a")).read_bytes() == SMALL


def test_ctrl_c_ends_a_download_at_once(server: Server, tmp_path: Path) -> None:
    """A real process, a real SIGINT, while the server says nothing."""
    url = server.put(PATH, SMALL)
    server.fault(PATH, Mute())
    script = (
        "import sys; from concurrent.futures import ThreadPoolExecutor; from pathlib import Path\n"
        "from provision.fetch.settings import DownloadSettings\n"
        "from tests.fetch.samples import *\n"
        "with ThreadPoolExecutor(2) as pool, fetcher(Path(sys.argv[1]), settings=DownloadSettings()) as fetch:\n"
        "    pool.submit(fetch.fetch, asset(sys.argv[2])).result()\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script, str(tmp_path), url], stderr=subprocess.PIPE, text=True)
    while not server.count():
        time.sleep(0.01)
    started = time.monotonic()
    process.send_signal(2)
    errors = process.communicate(timeout=10)[1]
    assert time.monotonic() - started < AT_ONCE
    assert errors.splitlines()[-1] == "KeyboardInterrupt"


_PROBE = """
import sys
from pathlib import Path
from tests.fetch.samples import *
with fetcher(Path(sys.argv[1])) as fetch:
    fetch.fetch(asset(sys.argv[2]))
print(*sorted({name.partition(".")[0] for name in sys.modules} & set(sys.argv[3:])))
"""


def _imported(tmp_path: Path, url: str, *names: str) -> list[str]:
    """Which of the packages a process has imported after it fetched."""
    command = [sys.executable, "-c", _PROBE, str(tmp_path), url, *names]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def test_only_what_is_needed_is_imported(server: Server, tmp_path: Path) -> None:
    url = server.put(PATH, SMALL)
    dear = ("httpcore", "httpx", "anyio", "rich", "click", "pygments", "filelock", "asyncio", "pydantic", "netrc")
    assert _imported(tmp_path, url, *dear) == ["httpcore"]
    assert _imported(tmp_path, url, *dear, "ssl", "socket") == [], "what is cached needs no network"


def test_a_fetcher_may_be_closed_by_another_thread(server: Server, tmp_path: Path) -> None:
    wanted = asset(server.put(PATH, SMALL))
    fetch = fetcher(tmp_path)
    fetch.fetch(wanted)
    closer = threading.Thread(target=fetch.close)
    closer.start()
    closer.join(5)
    assert not closer.is_alive()


def test_the_size_of_an_archive_is_read_with_a_request_of_one_byte(server: Server, tmp_path: Path) -> None:
    wanted = asset(server.put(PATH, SMALL))
    with fetcher(tmp_path) as fetch:
        assert fetch.size(wanted) == len(SMALL)
    (seen,) = server.requests
    assert seen.headers["range"] == "bytes=0-0"


def test_the_size_is_read_from_a_server_without_ranges(server: Server, tmp_path: Path) -> None:
    wanted = asset(server.put(PATH, SMALL))
    server.fault(PATH, WholeAnyway())
    with fetcher(tmp_path) as fetch:
        assert fetch.size(wanted) == len(SMALL)


def test_a_size_that_no_server_sends_is_unknown(server: Server, tmp_path: Path) -> None:
    wanted = asset(server.at("missing"))
    with fetcher(tmp_path) as fetch:
        assert fetch.size(wanted) is None


def test_the_size_is_read_from_a_mirror_of_files(server: Server, tmp_path: Path) -> None:
    wanted = asset(server.at(PATH))
    mirrored = tmp_path / "mirror" / PATH
    mirrored.parent.mkdir(parents=True)
    mirrored.write_bytes(SMALL)
    with fetcher(tmp_path, mirrors=((tmp_path / "mirror").as_uri(),), offline=True) as fetch:
        assert fetch.size(wanted) == len(SMALL)
    assert server.count() == 0
