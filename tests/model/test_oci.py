"""OCI documents: the same document is the same bytes, and an archive's manifest names nothing but the archive."""

from __future__ import annotations

import hashlib
import json

import pytest

from provision.model import oci
from provision.model.asset import Digest

SHA256 = Digest("ab" * 32)


def test_a_document_is_the_same_bytes_in_any_order_of_its_keys() -> None:
    one = oci.encode({"b": 1, "a": {"d": "ü", "c": []}})
    assert one == oci.encode({"a": {"c": [], "d": "ü"}, "b": 1})
    assert one == b'{"a":{"c":[],"d":"\\u00fc"},"b":1}'


def test_the_empty_configuration_has_the_digest_that_the_specification_names() -> None:
    assert hashlib.sha256(oci.EMPTY_BYTES).hexdigest() == str(oci.EMPTY_DIGEST)


def test_the_manifest_of_an_archive_has_its_digest_and_file_name() -> None:
    document = json.loads(oci.archive_manifest(SHA256, 590, "cpython.tar.gz"))
    assert document["artifactType"] == oci.ARCHIVE
    assert document["config"]["mediaType"] == oci.EMPTY
    assert document["layers"] == [
        {
            "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
            "digest": f"sha256:{SHA256}",
            "size": 590,
            "annotations": {oci.TITLE: "cpython.tar.gz"},
        }
    ]


@pytest.mark.parametrize(
    ("filename", "expected"),
    [
        ("cpython-3.13.5+20261201-x86_64-unknown-linux-gnu-install_only.tar.gz", oci.LAYER + "+gzip"),
        ("cpython-3.13.5+20261201-x86_64-unknown-linux-gnu-debug-full.tar.zst", oci.LAYER + "+zstd"),
        ("pypy3.11-v7.3.20-linux64.tar.bz2", oci.OCTETS),
        ("pypy3.11-v7.3.20-win64.zip", oci.OCTETS),
    ],
)
def test_only_content_that_runtimes_unpack_has_the_layer_media_type(filename: str, expected: str) -> None:
    assert oci.layer_type(filename) == expected


def test_the_tag_of_an_archive_is_valid_and_is_not_a_referrers_tag() -> None:
    tag = oci.archive_tag(SHA256)
    assert len(tag) <= 128
    assert not tag.startswith("sha256-")


def test_an_index_names_the_platform_of_each_manifest() -> None:
    arm = oci.Descriptor(
        media_type=oci.MANIFEST, digest=SHA256, size=7, platform={"os": "linux", "architecture": "arm64"}
    )
    document = json.loads(oci.index([arm], annotations={oci.REF_NAME: "latest"}))
    assert document["manifests"][0]["platform"] == {"architecture": "arm64", "os": "linux"}
    assert document["annotations"] == {oci.REF_NAME: "latest"}
    assert "subject" not in document
