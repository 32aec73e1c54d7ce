from __future__ import annotations

import json

import pytest

from provision.catalog.hashes import read_hashes
from provision.errors import CatalogError
from tests.catalog.samples import digest, full, stripped, upstream

NAMES = (full("3.14.2", "20260127"), stripped("3.14.2", "20260127"))


def test_releases_are_read() -> None:
    data = json.dumps({"20260127": {name: digest(name).hex for name in NAMES}}).encode()
    reading = read_hashes(data, "hashes.json")
    assert reading.assets == tuple(upstream(name) for name in NAMES)


def test_names_that_are_not_understood_are_told() -> None:
    data = json.dumps({"20260127": {"cpython-new.tar.gz": digest("x").hex}}).encode()
    assert [url.rpartition("/")[2] for url in read_hashes(data, "hashes.json").unknown] == ["cpython-new.tar.gz"]


def test_a_wrong_hash_is_refused_with_its_place() -> None:
    data = json.dumps({"20260127": {NAMES[0]: "abc"}}).encode()
    with pytest.raises(CatalogError, match=r"hashes.json: 20260127.*'abc' is not a sha256"):
        read_hashes(data, "hashes.json")
