"""The bundled snapshot made from files: each format recognised, all merged, contradictions refused."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from provision.catalog.names import format_name, parse_name
from provision.catalog.snapshot import BUNDLED, Snapshot, bundled_snapshot, write_snapshot
from provision.errors import CatalogError, SeveralErrors, UsageError
from provision.host.zstd import zstd_module
from provision.model.asset import Asset
from tests.catalog.samples import DATA, digest, full, ndjson_line, stripped, tag_of, upstream
from tools.snapshot.build import build_snapshot, read_source

AS_OF = "2026-02-01T00:00:00Z"
FULL, STRIPPED = full("3.14.2", "20260127", "lto"), stripped("3.14.2", "20260127")


def hashes(*names: str, salt: str = "") -> bytes:
    releases: dict[str, dict[str, str]] = {}
    for name in names:
        releases.setdefault(tag_of(name), {})[name] = digest(salt + name).hex
    return json.dumps(releases).encode()


def sources(folder: Path, files: Mapping[str, bytes]) -> list[Path]:
    """Write files into a folder; returns their paths."""
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return [folder / name for name in files]


def gathered(paths: list[Path]) -> dict[str, Asset]:
    """The assets of the snapshot that the sources give, by name."""
    return {asset.filename: asset for asset in Snapshot(build_snapshot(paths, AS_OF)).all_assets()}


PYPY_URL = "https://downloads.python.org/pypy/pypy3.11-v7.3.23-linux64.tar.gz"
UV_ROW = {
    "name": "pypy",
    "arch": {"family": "x86_64", "variant": None},
    "os": "linux",
    "libc": "gnu",
    "major": 3,
    "minor": 11,
    "patch": 15,
    "prerelease": "",
    "url": PYPY_URL,
    "sha256": digest("pypy").hex,
    "variant": None,
    "build": "7.3.23",
}
INSTALLER_RELEASE = {
    "python_version": {"implementation": "pypy", "major": 3, "minor": 11, "micro": 15},
    "files": [
        {
            "arch": "x86_64",
            "platform": "linux",
            "filename": PYPY_URL.rpartition("/")[2],
            "url": PYPY_URL,
            "sha256": digest("pypy").hex,
        }
    ],
}
GITHUB_RELEASE = {
    "tag_name": "20260127",
    "published_at": AS_OF,
    "assets": [{"name": STRIPPED, "size": 5, "state": "uploaded", "digest": f"sha256:{digest(STRIPPED)}"}],
}


@pytest.mark.parametrize(
    ("data", "names"),
    [
        (hashes(FULL, STRIPPED), {FULL, STRIPPED}),
        (ndjson_line(FULL) + ndjson_line(stripped("3.14.1", "20251209")), {FULL, stripped("3.14.1", "20251209")}),
        (ndjson_line(FULL).rstrip(), {FULL}),
        (json.dumps({"key": UV_ROW}, indent=1).encode(), {"pypy3.11-v7.3.23-linux64.tar.gz"}),
        (json.dumps([INSTALLER_RELEASE], indent=1).encode(), {"pypy3.11-v7.3.23-linux64.tar.gz"}),
        (json.dumps([GITHUB_RELEASE]).encode(), {STRIPPED}),
        (write_snapshot([upstream(FULL)], as_of=AS_OF), {FULL}),
    ],
    ids=["hashes", "ndjson", "ndjson of one line", "uv", "pbs-installer", "github", "snapshot"],
)
@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "zstd"])
def test_each_format_is_recognised_by_its_content(
    tmp_path: Path, data: bytes, names: set[str], *, compressed: bool
) -> None:
    (path,) = sources(tmp_path, {"source": zstd_module().compress(data) if compressed else data})
    assert {asset.filename for asset in read_source(path).assets} == names


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"5", b"<html>", b'["x"]'])
def test_an_unknown_format_is_refused(tmp_path: Path, data: bytes) -> None:
    (path,) = sources(tmp_path, {"source.json": data})
    with pytest.raises(CatalogError, match=r"source.json: not a catalog in a format that provision can read"):
        read_source(path)


def test_a_damaged_snapshot_is_refused(tmp_path: Path) -> None:
    (path,) = sources(tmp_path, {"old.bin": BUNDLED.read_bytes()[:-1]})
    with pytest.raises(CatalogError, match=r"old.bin: the snapshot is damaged: its checksum does not match"):
        read_source(path)


def test_a_missing_source_is_named(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="nowhere: the source cannot be read: no such file"):
        read_source(tmp_path / "nowhere")


def test_a_name_outside_the_grammar_is_an_error(tmp_path: Path) -> None:
    new = stripped("3.14.2", "20260127", triple="loongarch64-unknown-linux-gnu")
    (path,) = sources(tmp_path, {"hashes.json": hashes(FULL, new)})
    with pytest.raises(CatalogError, match=f"1 assets have names that are not understood: {re.escape(new)}"):
        read_source(path)


def test_sources_are_merged(tmp_path: Path) -> None:
    paths = sources(
        tmp_path,
        {
            "hashes.json": hashes(FULL, STRIPPED),
            "rows.ndjson": ndjson_line(FULL, date="2026-01-30T14:46:07Z"),
            "uv.json": json.dumps({"key": UV_ROW}).encode(),
            "versions.json": json.dumps([INSTALLER_RELEASE]).encode(),
            "page.json": json.dumps([GITHUB_RELEASE | {"published_at": None}]).encode(),
        },
    )
    assets = gathered(paths)
    assert set(assets) == {FULL, STRIPPED, "pypy3.11-v7.3.23-linux64.tar.gz"}
    assert assets[STRIPPED].size == 5
    assert build_snapshot(paths[::-1], AS_OF) == build_snapshot(paths, AS_OF)


def test_install_only_options_are_inferred_from_all_sources(tmp_path: Path) -> None:
    """The sibling is in another source than the archive, and differs from the usual build matrix of PBS."""
    assets = gathered(sources(tmp_path, {"a.json": hashes(STRIPPED), "b.ndjson": ndjson_line(FULL)}))
    assert str(assets[STRIPPED].options) == "lto"


def test_options_inferred_in_an_older_snapshot_are_inferred_again(tmp_path: Path) -> None:
    older = build_snapshot(sources(tmp_path, {"a.json": hashes(STRIPPED)}), AS_OF)
    assets = gathered(sources(tmp_path, {"older.bin": older, "b.json": hashes(FULL)}))
    assert str(assets[STRIPPED].options) == "lto"


def test_all_assets_of_a_release_have_its_date(tmp_path: Path) -> None:
    """The catalog of PBS can have a part of a release only."""
    date = "2026-01-30T14:46:07Z"
    assets = gathered(sources(tmp_path, {"a.json": hashes(STRIPPED), "b.ndjson": ndjson_line(FULL, date=date)}))
    assert {asset.published for asset in assets.values()} == {date}


def test_sources_that_disagree_on_a_hash_are_both_named(tmp_path: Path) -> None:
    paths = sources(
        tmp_path,
        {
            "one.json": hashes(FULL, STRIPPED),
            "same.json": hashes(FULL),
            "other.ndjson": ndjson_line(FULL, STRIPPED, salt="other"),
        },
    )
    with pytest.raises(SeveralErrors) as caught:
        build_snapshot(paths, AS_OF)
    assert [error.message for error in caught.value.errors] == [
        f"{upstream(name).url} has two hashes: {digest(name)} in {paths[0]}, {digest('other' + name)} in {paths[2]}"
        for name in (FULL, STRIPPED)
    ]


def test_all_sources_that_cannot_be_read_are_reported_at_once(tmp_path: Path) -> None:
    paths = sources(tmp_path, {"a.json": b"{}", "b.json": hashes(FULL), "c.json": b""})
    with pytest.raises(SeveralErrors) as caught:
        build_snapshot(paths, AS_OF)
    assert [error.place.file for error in caught.value.errors if error.place] == [str(paths[0]), str(paths[2])]


def test_a_missing_or_invalid_time_is_refused(tmp_path: Path) -> None:
    paths = sources(tmp_path, {"a.json": hashes(FULL)})
    assert Snapshot(build_snapshot(paths, "2026-02-01")).as_of == "2026-02-01T00:00:00Z"
    with pytest.raises(UsageError, match="'today' is not a time"):
        build_snapshot(paths, "today")


@pytest.mark.slow
def test_building_from_the_bundled_snapshot_alone_gives_the_same_snapshot() -> None:
    assert build_snapshot([BUNDLED], bundled_snapshot().as_of) == BUNDLED.read_bytes()


real_data = pytest.mark.skipif("PROVISION_TEST_DATA" not in os.environ, reason="PROVISION_TEST_DATA is not set")


def real_sources() -> list[Path]:
    data = Path(os.environ["PROVISION_TEST_DATA"])
    return sorted((*data.glob("*.zst"), *data.glob("november/*.zst")))


@real_data
def test_building_from_the_real_sources_gives_the_bundled_snapshot() -> None:
    assert build_snapshot(real_sources(), bundled_snapshot().as_of) == BUNDLED.read_bytes()


@real_data
def test_the_names_in_the_tests_are_all_names_of_the_real_sources() -> None:
    """Also those without a hash, which no snapshot can hold."""
    listed = set((DATA / "names-without-hash.txt").read_text().split())
    listed |= {asset.filename for asset in bundled_snapshot().all_assets()}
    for path in real_sources():
        text = zstd_module().decompress(path.read_bytes()).decode()
        for url in set(text.replace("%2B", "+").split('"')):
            if "/releases/download/" in url and "/cpython-" in url:
                tag, filename = url.split("/")[-2:]
                assert filename in listed
                assert format_name(parse_name(filename, tag)) == filename
