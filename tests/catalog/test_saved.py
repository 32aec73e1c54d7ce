"""A saved catalog replaced: what is recorded with it, what counts as new, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from provision.catalog.cache import ETAG_FACT, NDJSON_FILE, ORIGIN_FACT, load_saved, load_usable
from provision.catalog.pbs import AssetsRead
from provision.catalog.saved import UpstreamAnswer, mark_unchanged, replace_saved
from provision.errors import CatalogError
from tests.catalog.samples import full, stripped, upstream

NOW, LATER = "2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z"
URL = "https://example.com/list"
FIRST_REPLACING, SECOND_REPLACING = upstream(full("3.15.9", "20270101")), upstream(stripped("3.15.9", "20270201"))


def answer(as_of: str = NOW, etag: str = '"1"') -> UpstreamAnswer:
    return UpstreamAnswer(origin=URL, etag=etag, as_of=as_of)


def test_the_origin_of_a_response_is_saved_with_it(cache_dir: Path) -> None:
    replace_saved(cache_dir / NDJSON_FILE, None, AssetsRead(assets=(FIRST_REPLACING,)), answer())
    kept = load_saved(cache_dir / NDJSON_FILE)
    assert kept is not None
    assert (kept.as_of, kept.facts[ORIGIN_FACT], kept.facts[ETAG_FACT]) == (NOW, URL, '"1"')


def test_assets_in_neither_the_saved_nor_the_bundled_catalog_are_new(cache_dir: Path) -> None:
    path = cache_dir / NDJSON_FILE
    bundled = upstream(full("3.14.2", "20260127"))
    assert replace_saved(path, None, AssetsRead(assets=(FIRST_REPLACING, bundled)), answer()).new == 1
    before = load_usable(path)
    assert (
        replace_saved(path, before, AssetsRead(assets=(FIRST_REPLACING, SECOND_REPLACING, bundled)), answer()).new == 1
    )


def test_an_empty_catalog_does_not_replace_the_saved_one(cache_dir: Path) -> None:
    with pytest.raises(CatalogError, match="lists no assets that provision can lock"):
        replace_saved(cache_dir / NDJSON_FILE, None, AssetsRead(assets=()), answer())
    assert not cache_dir.exists()


def test_many_unknown_names_are_one_short_note(cache_dir: Path) -> None:
    reading = AssetsRead(
        assets=(FIRST_REPLACING,), unknown=tuple(f"https://example.com/{number}" for number in range(1000))
    )
    (note,) = replace_saved(cache_dir / NDJSON_FILE, None, reading, answer()).notes
    assert note.startswith("1000 assets left out")
    assert note.endswith("0, 1, 2, 3, 4, …")


def test_an_unchanged_catalog_has_a_later_date(cache_dir: Path) -> None:
    replace_saved(cache_dir / NDJSON_FILE, None, AssetsRead(assets=(FIRST_REPLACING, SECOND_REPLACING)), answer())
    done = mark_unchanged(cache_dir / NDJSON_FILE, answer(LATER, '"2"'))
    assert (done.outcome, done.as_of, done.count) == ("unchanged", LATER, 2)
    kept = load_saved(cache_dir / NDJSON_FILE)
    assert kept is not None
    assert (kept.as_of, kept.facts[ETAG_FACT]) == (LATER, '"2"')
    assert {asset.url for asset in kept.all_assets()} == {FIRST_REPLACING.url, SECOND_REPLACING.url}


def test_a_removed_catalog_cannot_be_marked_as_unchanged(cache_dir: Path) -> None:
    with pytest.raises(CatalogError, match="changed during the update"):
        mark_unchanged(cache_dir / NDJSON_FILE, answer())


def test_a_damaged_catalog_counts_as_missing(cache_dir: Path) -> None:
    cache_dir.mkdir(parents=True)
    (cache_dir / NDJSON_FILE).write_bytes(b"damaged")
    assert load_usable(cache_dir / NDJSON_FILE) is None
