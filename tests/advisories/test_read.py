"""Databases read from files, directories and zip files, in both formats."""

from __future__ import annotations

import copy
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.advisories.read import read_database, read_record
from provision.advisories.records import AdvisoryRecord
from provision.errors import UsageError
from tests.advisories.corpus import ALL, COOKIES, COOKIES_GIT, EXPAT, NAMESAKES, OPENSSL, XZ, encoded


def record(document: object) -> AdvisoryRecord:
    found = read_record(encoded(document), database="corpus")
    assert found is not None
    return found


def test_a_file_a_directory_and_a_zip_file_hold_the_same_records(tmp_path: Path) -> None:
    directory, archive = tmp_path / "database" / "deep", tmp_path / "database.zip"
    directory.mkdir(parents=True)
    with zipfile.ZipFile(archive, "w") as packed:
        for number, document in enumerate(ALL):
            (directory / f"{number}.json").write_bytes(encoded(document))
            packed.writestr(f"a/{number}.json", encoded(document))
        packed.writestr("README.md", "no record")
    found = read_database(archive)
    assert [each.id for each in found.records] == [each.id for each in read_database(tmp_path / "database").records]
    assert len(found.records) == len(ALL) - len(NAMESAKES)
    assert read_database(directory / "0.json").records[0].id == "CVE-2024-7592"


@pytest.mark.parametrize(
    ("document", "severity"),
    [(COOKIES, "high"), (OPENSSL, "medium"), (EXPAT, "unknown"), (COOKIES_GIT, "unknown")],
)
def test_the_severity_is_that_of_the_database(document: object, severity: str) -> None:
    assert record(document).severity == severity


def test_for_a_cve_record_without_a_range_those_of_the_other_records_are_used() -> None:
    found = record(EXPAT)
    assert [(each.component, each.basis) for each in found.statements] == [("expat", "adp")]
    assert found.summary == "The stack of expat overflows"


def changed(document: dict[str, Any], **changes: Any) -> dict[str, Any]:
    made = copy.deepcopy(document)
    if "cveMetadata" in made:
        made["cveMetadata"] |= changes
    else:
        made |= changes
    return made


@pytest.mark.parametrize(
    "data",
    [
        encoded(changed(COOKIES, state="REJECTED")),
        encoded(changed(COOKIES_GIT, withdrawn="2025-01-01T00:00:00Z")),
        b"",
        b"[]",
        b"\xff",
        b'{"affected": 1}',
        b'{"affected": [1], "id": "x"}',
        b'{"dataType": "CVE_RECORD"}',
        b'{"dataType": "CVE_RECORD", "cveMetadata": [], "containers": {}}',
        b"[" * 100_000,
        encoded(changed(COOKIES_GIT, id=["CVE-2024-1"])),
        encoded(changed(COOKIES_GIT, id="CVE-\ud800")),
        encoded(changed(COOKIES_GIT, id="CVE-\x1b[31m")),
        encoded(changed(COOKIES_GIT, id="CVE-" + "9" * 1000)),
        encoded(changed(COOKIES_GIT, aliases=["CVE-2024-1", ""])),
        encoded(changed(COOKIES, cveId={"CVE": 1})),
    ],
)
def test_withdrawn_records_and_other_documents_are_not_advisories(data: bytes) -> None:
    assert read_record(data, database="corpus") is None


@given(st.recursive(st.none() | st.text(max_size=5) | st.integers(), lambda inner: st.lists(inner, max_size=3)))
def test_any_value_in_place_of_a_part_is_a_record_or_none(value: object) -> None:
    for document, path in (
        (COOKIES, ("containers", "cna", "affected")),
        (COOKIES_GIT, ("affected",)),
        (XZ, ("containers",)),
    ):
        spoiled: Any = copy.deepcopy(document)
        part = spoiled
        for key in path[:-1]:
            part = part[key]
        part[path[-1]] = value
        read_record(json.dumps(spoiled).encode(), database="corpus")


@pytest.mark.parametrize("content", [None, b"{}", b"PK\x03\x04 damaged", b"not JSON"])
def test_a_path_without_advisories_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "advisories.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match="does not exist" if content is None else "holds no advisory"):
        read_database(path)


def test_a_summary_is_text_with_any_json_escapes() -> None:
    assert record(changed(COOKIES_GIT, summary="a \udfff\n b. c")).summary == "a ? b"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no FIFOs")
def test_a_path_that_is_not_a_file_is_neither_waited_for_nor_read(tmp_path: Path) -> None:
    (tmp_path / "directory.json").mkdir()
    os.mkfifo(tmp_path / "fifo.json")
    (tmp_path / "dangling.json").symlink_to("nothing")
    with pytest.raises(UsageError, match="holds no advisory"):
        read_database(tmp_path)
    for path in (tmp_path / "fifo.json", Path("/dev/zero")):
        with pytest.raises(UsageError, match=f"cannot read {path}: it is not a regular file"):
            read_database(path)
    (tmp_path / "good.json").write_bytes(encoded(COOKIES))
    assert len(read_database(tmp_path).records) == 1


def test_a_file_that_is_too_large_for_a_record_is_skipped(tmp_path: Path) -> None:
    for name, size in (("good.json", 0), ("large.json", 4 << 20)):
        (tmp_path / name).write_bytes(encoded(COOKIES) + b" " * size)
    found = read_database(tmp_path)
    assert (len(found.records), found.skipped) == (1, 1)
    with pytest.raises(UsageError, match="holds no advisory"):
        read_database(tmp_path / "large.json")


def test_the_error_for_a_directory_of_zip_files_shows_what_to_pass(tmp_path: Path) -> None:
    for number in range(4):
        (tmp_path / f"{number}.zip").touch()
    with pytest.raises(UsageError, match="holds no advisory") as caught:
        read_database(tmp_path)
    passed = " ".join(f"--advisories {tmp_path / f'{number}.zip'}" for number in range(3))
    assert caught.value.hint == f"Pass each zip file of the directory: `{passed} …`."


def test_a_damaged_zip_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "database.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("1.json", encoded(COOKIES) * 100)
    data = bytearray(path.read_bytes())
    data[60:90] = bytes(30)
    path.write_bytes(data)
    with pytest.raises(UsageError, match="is a damaged zip file"):
        read_database(path)
