from __future__ import annotations

from pathlib import Path

import pytest

from provision.catalog.kept import ETAG, NDJSON, ORIGIN, load_kept
from provision.catalog.pbs import Reading
from provision.catalog.replacing import Answer, kept_before, renew_kept, replace_kept
from provision.errors import CatalogError
from tests.catalog.samples import full, stripped, upstream

NOW, LATER = "2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z"
URL = "https://example.com/list"
FIRST, SECOND = upstream(full("3.15.9", "20270101")), upstream(stripped("3.15.9", "20270201"))


def answer(as_of: str = NOW, etag: str = '"1"') -> Answer:
    return Answer(origin=URL, etag=etag, as_of=as_of)


def test_where_an_answer_came_from_is_kept_beside_it(cache_dir: Path) -> None:
    replace_kept(cache_dir / NDJSON, None, Reading(assets=(FIRST,)), answer())
    kept = load_kept(cache_dir / NDJSON)
    assert kept is not None
    assert (kept.as_of, kept.facts[ORIGIN], kept.facts[ETAG]) == (NOW, URL, '"1"')


def test_new_is_what_neither_the_kept_nor_the_bundled_catalog_knows(cache_dir: Path) -> None:
    path = cache_dir / NDJSON
    bundled = upstream(full("3.14.2", "20260127"))
    assert replace_kept(path, None, Reading(assets=(FIRST, bundled)), answer()).new == 1
    before = kept_before(path)
    assert replace_kept(path, before, Reading(assets=(FIRST, SECOND, bundled)), answer()).new == 1


def test_an_empty_catalog_replaces_nothing(cache_dir: Path) -> None:
    with pytest.raises(CatalogError, match="lists 0 assets; thousands were expected"):
        replace_kept(cache_dir / NDJSON, None, Reading(assets=()), answer())
    assert not cache_dir.exists()


def test_a_flood_of_unknown_names_is_one_short_note(cache_dir: Path) -> None:
    reading = Reading(assets=(FIRST,), unknown=tuple(f"https://example.com/{number}" for number in range(1000)))
    (note,) = replace_kept(cache_dir / NDJSON, None, reading, answer()).notes
    assert note.startswith("1000 assets left out")
    assert note.endswith("0, 1, 2, 3, 4, …")


def test_a_renewed_catalog_is_as_of_later(cache_dir: Path) -> None:
    replace_kept(cache_dir / NDJSON, None, Reading(assets=(FIRST, SECOND)), answer())
    done = renew_kept(cache_dir / NDJSON, answer(LATER, '"2"'))
    assert (done.outcome, done.as_of, done.count) == ("unchanged", LATER, 2)
    kept = load_kept(cache_dir / NDJSON)
    assert kept is not None
    assert (kept.as_of, kept.facts[ETAG]) == (LATER, '"2"')
    assert {asset.url for asset in kept.all_assets()} == {FIRST.url, SECOND.url}


def test_a_catalog_that_went_away_cannot_be_renewed(cache_dir: Path) -> None:
    with pytest.raises(CatalogError, match="changed during the update"):
        renew_kept(cache_dir / NDJSON, answer())


def test_a_damaged_catalog_counts_as_none(cache_dir: Path) -> None:
    cache_dir.mkdir(parents=True)
    (cache_dir / NDJSON).write_bytes(b"damaged")
    assert kept_before(cache_dir / NDJSON) is None
