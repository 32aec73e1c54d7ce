"""What the catalog has learned about a locked build since it was locked."""

from __future__ import annotations

import pytest

from provision.catalog.catalog import Catalog
from provision.lock.additions import find_additions
from provision.lock.lock import Lock
from provision.lock.resolve import resolve
from provision.lock.staleness import staleness
from provision.model.asset import CPU_LEVELS, Asset
from provision.model.value import replace
from tests.lock.samples import HOST, asset, catalog, custom_request, manifest, partly_known

NAME = "3.13.17+20261021"
AUTO = '{ version = "3.13", cpu = "auto" }'
ROWS = [asset(NAME, cpu=cpu) for cpu in CPU_LEVELS]
NEWER = asset("3.13.18+20261026")


def said(entry: str, before: Catalog, after: Catalog, settings: str = "") -> str:
    """The sentence for an entry that was locked from one catalog, by another."""
    asked = manifest(f"fast = {entry}", settings=settings)
    (request,), (python,) = asked.requests, resolve(asked, before, None, host=HOST).lock.pythons
    assert staleness(request, python, HOST) is None
    assert resolve(asked, after, Lock(pythons=(python,)), host=HOST).lock.pythons == (python,)
    found = find_additions(request, python, after)
    return found.sentence(python) if found is not None else ""


@pytest.mark.parametrize(
    ("entry", "settings", "before", "after", "words"),
    [
        (AUTO, "", ROWS[:1], [*ROWS, NEWER], "v2, v3, v4"),
        (AUTO, "", ROWS[:2], ROWS, "v3, v4"),
        ('"3.13"', 'cpu = "v3"', ROWS[:1], ROWS, "v3"),
        ('"3.13"', 'flavor = "full"', ROWS[:1], [*ROWS, asset(NAME, flavor="full")], "the flavor full"),
        ('"3.13"', "", ROWS[:1], [asset(NAME, size=35_000_000)], "the size of 1 archive"),
        (AUTO, "", ROWS[:1], [asset(NAME, size=5), *ROWS[1:]], "v2, v3, v4 and the size of 1 archive"),
        (AUTO, "", ROWS, [asset(NAME, cpu=cpu, size=5) for cpu in CPU_LEVELS], "the sizes of 4 archives"),
    ],
)
def test_assets_and_levels_added_to_the_locked_build_are_reported(
    entry: str, settings: str, before: list[Asset], after: list[Asset], words: str
) -> None:
    sentence = said(entry, partly_known(*before), partly_known(*after), settings)
    assert sentence == f"{NAME} now has {words}: `provision lock --upgrade fast`"


@pytest.mark.parametrize(
    ("entry", "before", "after"),
    [
        (AUTO, ROWS, ROWS),
        ('"3.13"', ROWS[:1], ROWS),
        (AUTO, ROWS[:1], [NEWER]),
        (AUTO, ROWS[:1], [*ROWS[:1], NEWER]),
        ('"3.13"', [asset(NAME, size=5)], [asset(NAME, size=5)]),
    ],
    ids=["nothing new", "levels that are not requested", "a build that is not known", "a newer build", "known sizes"],
)
def test_nothing_is_reported_if_no_asset_was_added(entry: str, before: list[Asset], after: list[Asset]) -> None:
    assert said(entry, catalog(*before), catalog(*after)) == ""


def test_no_additions_are_reported_for_custom_archives() -> None:
    request = custom_request({"linux-x86_64": "https://example.com/cpython.tar.gz"})
    (python,) = resolve(replace(manifest(""), requests=(request,)), catalog(), None, host=HOST).lock.pythons
    assert find_additions(request, python, catalog(*ROWS)) is None
