"""What a format can express, and how the rest is reported."""

from __future__ import annotations

import pytest

from provision.errors import FAILURE, ProvisionError
from provision.export.rows import LeftOut, Place, Row, describe
from provision.model.asset import IMPLEMENTATIONS
from tests.export.samples import ROWS, labels

EVERYWHERE = {row.asset.target.short for row in ROWS}


def test_each_refusal_has_its_reason() -> None:
    narrow = Place(targets={"linux-x86_64"}, key=lambda row: row.label, freethreaded=False)
    fitting = narrow.fit("some", ROWS)
    assert labels(fitting.rows) == ["default linux-x86_64", "fast linux-x86_64", "old linux-x86_64"]
    assert [(each.row.label, each.reason) for each in fitting.left_out] == [
        ("alpine linux-x86_64-musl", "target"),
        ("debug linux-x86_64", "debug build"),
        ("default linux-aarch64", "target"),
        ("default macos-aarch64", "target"),
        ("default windows-x86_64", "target"),
        ("fast linux-x86_64 v3", "CPU level"),
        ("free linux-x86_64", "free-threaded build"),
        ("next.one macos-x86_64", "target"),
        ("pypy linux-x86_64", "implementation"),
    ]
    assert describe(fitting.left_out, fitting.rows) == (
        "linux-x86_64-musl, linux-aarch64, macos-aarch64, windows-x86_64, macos-x86_64 (target); debug (debug build); "
        "fast linux-x86_64 v3 (CPU level); free (free-threaded build); pypy (implementation)"
    )


def test_a_format_without_limits_accepts_all_rows() -> None:
    wide = Place(
        targets=EVERYWHERE,
        key=lambda row: row.label,
        cpu=True,
        full=True,
        debug=True,
        implementations=IMPLEMENTATIONS,
    )
    assert wide.fit("some", ROWS).left_out == ()
    assert labels(wide.fit("some", ROWS).rows) == labels(ROWS)


def test_full_archives_and_urls_are_refused_independently() -> None:
    full = next(row for row in ROWS if row.entry == "debug")
    place = Place(
        targets=EVERYWHERE, key=lambda row: row.label, debug=True, url=lambda url: "a musl URL" * ("musl" in url)
    )
    fitting = place.fit("some", [ROWS[0], full, ROWS[2]])
    assert [each.reason for each in fitting.left_out] == ["a musl URL", "full archive"]


def test_the_first_of_two_rows_in_one_place_is_kept_and_equal_ones_are_one() -> None:
    default = ROWS[2]
    again, old = Row("again", default.asset), next(row for row in ROWS if row.entry == "old")
    place = Place(targets=EVERYWHERE, key=lambda row: row.asset.version)
    fitting = place.fit("some", [default, again, old])
    assert fitting.rows == (default,)
    assert fitting.left_out == (LeftOut(old, "same key as default linux-x86_64"),)


@pytest.mark.parametrize("rows", [(), ROWS])
def test_an_export_without_rows_is_an_error_that_names_the_left_out_ones(rows: tuple[Row, ...]) -> None:
    with pytest.raises(ProvisionError, match="nothing to export in the format some") as caught:
        Place(targets=(), key=str).fit("some", rows)
    assert caught.value.exit_code == FAILURE
    assert caught.value.hint is not None
    assert ("windows-x86_64" in str(caught.value)) == bool(rows)
