"""All keys: each is explained, and its examples and defaults are valid."""

from __future__ import annotations

from typing import Any

import pytest

from provision.manifest.keys import (
    ENTRY,
    IGNORE_RULE,
    POLICY,
    SETTINGS,
    parse_build,
    parse_code,
    parse_reason,
    tag_of_date,
)
from provision.manifest.kinds import ProblemList, Table
from provision.model.table import KeyField

TABLES: dict[str, Table[Any]] = {"settings": SETTINGS, "entry": ENTRY, "policy": POLICY, "ignore": IGNORE_RULE}
FIELDS = [field for table in TABLES.values() for field in table.keys.values()]


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.key)
def test_every_key_has_a_description_and_valid_examples(field: KeyField) -> None:
    assert field.doc.endswith(".")
    assert field.examples
    for example in field.examples:
        problems = ProblemList()
        assert field.kind.read(example, (field.key,), problems) is not None
        assert not problems


@pytest.mark.parametrize(
    "field", [field for field in FIELDS if field.schema_default is not None], ids=lambda field: field.key
)
def test_defaults_are_valid_values(field: KeyField) -> None:
    problems = ProblemList()
    read = field.kind.read(field.schema_default, (field.key,), problems)
    assert not problems
    assert field.default in {read, None}


@pytest.mark.parametrize("text", ["20260814", "7.3.20", "25.0.1", "20180526T0000", "local", "v1_a-b"])
def test_valid_builds_are_accepted(text: str) -> None:
    assert parse_build(text) == text


@pytest.mark.parametrize("text", ["", ".", "-1", "2026 0814", "../x", "ä", "a/b", "a\n"])
def test_invalid_builds_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a build such as '20260814'"):
        parse_build(text)


@pytest.mark.parametrize("text", ["2026-11-10", "2018-05-26"])
def test_the_error_for_a_date_names_the_build(text: str) -> None:
    assert tag_of_date(text) == text.replace("-", "")
    with pytest.raises(ValueError, match=f"is a date; the build of that day is '{tag_of_date(text)}'"):
        parse_build(text)


@pytest.mark.parametrize("text", ["20261110", "1-2-3", "2026-11-1", "v1_a-b", "٢٠٢٦-11-10", "7.3.20"])
def test_values_that_are_not_dates_are_unchanged(text: str) -> None:
    assert tag_of_date(text) == text


def test_codes_and_reasons_of_ignored_findings_are_checked() -> None:
    for text in ("PV001", "CVE-2026-6100", "GHSA-79v4-65xg-pq4g", "PSF-2024-9", "BIT-python-2024-7592"):
        assert parse_code(text) == text
    assert parse_reason("because") == "because"
    for text in ("PV1", "pv001", "PV٣٣٣", "XX001", "cve-2026-1", "CVE-", "-1", "CVE-2026 1", "CVE-٣"):
        with pytest.raises(ValueError, match="is neither a finding's code"):
            parse_code(text)
    with pytest.raises(ValueError, match="expected a reason"):
        parse_reason("  ")
