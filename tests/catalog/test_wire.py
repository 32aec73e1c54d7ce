from __future__ import annotations

import pytest
from pydantic import ValidationError

from provision.catalog.wire import Moment, Sha256, WireModel, malformed
from provision.errors import CatalogError
from tests.catalog.samples import digest


class Inner(WireModel):
    sha256: Sha256 = None


class Outer(WireModel):
    items: tuple[Inner, ...] = ()
    date: Moment = None


def wrong(text: str) -> CatalogError:
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate_json(text)
    return malformed(caught.value, "catalog.ndjson", line=7)


def test_hashes_and_times_become_values() -> None:
    outer = Outer.model_validate_json(
        f'{{"items": [{{"sha256": "{digest("x").hex.upper()}"}}, {{"sha256": null}}, {{}}],'
        ' "date": "2026-01-30T14:46:07.6+00:00", "unheard": "of"}'
    )
    assert [item.sha256 for item in outer.items] == [digest("x"), None, None]
    assert outer.date == "2026-01-30T14:46:07Z"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"items": [{}, {"sha256": "abc"}]}', "catalog.ndjson:7: items[1].sha256: 'abc' is not a sha256"),
        ('{"items": [{"sha256": 5}]}', "catalog.ndjson:7: items[0].sha256: a sha256 is a text"),
        ('{"date": "soon"}', "catalog.ndjson:7: date: 'soon' is not a time"),
        ('{"date": 20260127}', "catalog.ndjson:7: date: '20260127' is not a time"),
        ('{"items": 5, "date": 5}', "catalog.ndjson:7: items: Input should be"),
        ('{"items": 5, "date": 5}', "(and 1 more)"),
        ('{"items": [', "catalog.ndjson:7: Invalid JSON: EOF"),
    ],
)
def test_an_error_names_the_line_and_the_key(text: str, message: str) -> None:
    assert message in str(wrong(text))
