"""The table of audit codes: numbered without a gap, and worded consistently."""

from __future__ import annotations

from provision.review.codes import AUDIT_CODES, FINDING_SEVERITIES


def test_codes_are_numbered_without_a_gap() -> None:
    assert list(AUDIT_CODES) == [f"PV{number:03}" for number in range(1, len(AUDIT_CODES) + 1)]
    assert all(rule.code == code for code, rule in AUDIT_CODES.items())


def test_names_are_unique_words_joined_by_hyphens() -> None:
    names = [rule.name for rule in AUDIT_CODES.values()]
    assert len(set(names)) == len(names)
    assert all(word.isalpha() and word.islower() for name in names for word in name.split("-"))


def test_titles_are_clauses_and_hints_are_sentences() -> None:
    for rule in AUDIT_CODES.values():
        assert rule.severity in FINDING_SEVERITIES
        assert rule.title[-1].isalnum()
        assert rule.fix[0].isupper()
        assert rule.fix.endswith(".")
