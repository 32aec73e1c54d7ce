"""What a bundle consists of, from the rows of a lock and the sizes of archives alone."""

from __future__ import annotations

import json
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.fleet.bundle import LOCK_FILE, MANIFEST_FILE, BundleContents
from provision.model import oci
from provision.model.asset import Asset, Digest
from provision.model.value import replace
from tests.fetch.samples import NAME, PATH, TAG, asset, digest

FILES = {MANIFEST_FILE: b"[pythons]\n", LOCK_FILE: b"lock-version = '1.0'\n"}


def contents(*assets: Asset) -> BundleContents:
    return BundleContents.of(assets, {each.sha256: 7 for each in assets}, FILES)


def test_an_archive_has_a_path_by_release_and_a_path_by_digest() -> None:
    (archive,) = contents(asset(f"https://example.com/any/{PATH}")).archives
    assert archive.paths == (f"{TAG}/{NAME}",)
    assert archive.blob == f"blobs/sha256/{archive.digest}"


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/mine.tar.gz",
        f"https://example.com/{TAG}/mine%3Aown.tar.gz",
        f"https://example.com/{TAG}/{'x' * 101}",
        f"https://example.com/{TAG}/.hidden.tar.gz",
        f"https://example.com/{TAG}/%C3%A9.tar.gz",
    ],
)
def test_a_name_that_some_file_systems_cannot_store_has_only_its_path_by_digest(url: str) -> None:
    (archive,) = contents(asset(url)).archives
    assert archive.paths == ()


@pytest.mark.parametrize(
    "build", ["blobs", "Blobs", "pythons.lock", "index.json", "since.json", "pythons.attestations"]
)
def test_a_release_is_not_named_as_a_file_of_the_bundle(build: str) -> None:
    mine = replace(asset(f"https://example.com/{build}/mine.tar.gz"), build=build)
    assert contents(mine).archives[0].paths == ()


def test_a_name_of_two_archives_belongs_to_the_first() -> None:
    rows = [asset(f"https://{host}.example/{PATH}", host.encode()) for host in ("a", "b")]
    assert sorted(archive.paths for archive in contents(*rows).archives) == [(), (f"{TAG}/{NAME}",)]
    assert contents(*rows) == contents(*reversed(rows))


def test_one_archive_with_two_names_is_stored_once() -> None:
    (archive,) = contents(asset(f"https://a.example/{TAG}/b.zip"), asset(f"https://a.example/{TAG}/a.zip")).archives
    assert archive.paths == (f"{TAG}/a.zip", f"{TAG}/b.zip")
    assert archive.filename == "a.zip"


def test_the_index_is_that_of_an_image_layout() -> None:
    one = contents(asset(f"https://example.com/{PATH}"))
    index = json.loads(one.index)
    assert index["mediaType"] == oci.INDEX
    project, archive = index["manifests"]
    assert project["annotations"] == {oci.REF_NAME: "project"}
    assert archive["annotations"] == {oci.REF_NAME: oci.archive_tag(one.archives[0].digest)}
    documents = one.documents()
    for row in index["manifests"]:
        content = documents[oci.blob_path(Digest.parse(row["digest"]))]
        assert (len(content), f"sha256:{sha256(content).hexdigest()}") == (row["size"], row["digest"])
    manifest = json.loads(documents[oci.blob_path(Digest.parse(archive["digest"]))])
    assert [layer["digest"] for layer in manifest["layers"]] == [f"sha256:{one.archives[0].digest}"]
    for name, content in FILES.items():
        assert documents[oci.blob_path(one.named_files()[name])] == content


@given(st.permutations([b"a", b"b", b"c"]))
def test_the_order_of_rows_and_files_changes_nothing(order: list[bytes]) -> None:
    rows = [asset(f"https://example.com/{TAG}/{each.decode()}.tar.gz", each) for each in order]
    made = BundleContents.of(rows, {digest(each): 7 for each in order}, dict(reversed(FILES.items())))
    assert made.digest == contents(*sorted(rows, key=lambda row: row.url)).digest
