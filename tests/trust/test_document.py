"""docs/security.md: the tests that it names exist, and its limits match the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fuzz.target import names
from provision.fetch.settings import GIB, MIB, DownloadSettings
from provision.lock.read import MAX_LOCK_SIZE
from provision.manifest.toml import MAX_TOML_SIZE
from provision.unpack.limits import Limits

ROOT = Path(__file__).parent.parent.parent
TEXT = (ROOT / "docs" / "security.md").read_text()


def test_the_tests_named_in_the_document_exist() -> None:
    """A file name without a folder is in the folder named last, or in tests/trust."""
    folder = Path("tests/trust")
    for name in re.findall(r"`((?:tests/[a-z0-9_/]+/)?(?:test_[a-z_]+\.py)?)`", TEXT):
        if "/" in name:
            folder = Path(name).parent if name.endswith(".py") else Path(name)
        found = [ROOT / folder / Path(name).name, ROOT / "tests/trust" / Path(name).name]
        assert not name.endswith(".py") or any(path.is_file() for path in found), name
        assert (ROOT / folder).is_dir(), name


@pytest.mark.parametrize(
    ("what", "value"),
    [
        ("time without a byte from a server", f"{DownloadSettings().idle_timeout:.0f} s"),
        ("time for one archive or catalog document", f"{DownloadSettings().total_timeout / 3600:.0f} hour"),
        ("size of an archive, if the lock file has none", f"{DownloadSettings().largest_archive // GIB} GiB"),
        ("size of a catalog", f"{DownloadSettings().largest_body // MIB} MiB"),
        ("time for retries without progress", f"{DownloadSettings().retry_timeout / 60:.0f} minutes"),
        ("unpacked size", f"{Limits().unpacked // GIB} GiB, and {Limits().ratio} times the archive from 64 MiB on"),
        ("members of an archive", f"{Limits().members // 1000} 000"),
        ("zstd window", f"{Limits().window // MIB} MiB"),
        ("manifest", f"{MAX_TOML_SIZE // MIB} MiB"),
        ("lock file, saved plan", f"{MAX_LOCK_SIZE // MIB} MiB"),
    ],
)
def test_the_limits_in_the_document_match_the_code(what: str, value: str) -> None:
    """A row may have more text after the limit, and its name may be longer."""
    assert re.search(rf"^\| {re.escape(what)}[^|]*\| {re.escape(value)}[ ,]", TEXT, re.MULTILINE)


def test_the_document_lists_every_fuzz_target() -> None:
    for name in names():
        assert f"`{name}`" in TEXT, name
