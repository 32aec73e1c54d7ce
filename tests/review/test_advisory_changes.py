"""Advisories that a change of the lock introduces and fixes, in every format."""

from __future__ import annotations

import json

import pytest

from provision.catalog.components import bundled_table
from provision.cli.console import Console
from provision.cli.present.diff import diff_lines
from provision.model.value import replace
from provision.review.advisory_changes import compare_advisories
from provision.review.diff_formats import diff_annotations, diff_document
from provision.review.diff_markdown import markdown_comment
from provision.review.diff_page import html_page
from provision.review.review import Review
from tests.advisories.corpus import EXPAT
from tests.review.samples import lock, review
from tests.review.test_audit_advisories import NEW_OPENSSL, index
from tests.review.test_components import GNU, MAC, WINDOWS, entry

BEFORE, AFTER = entry("3.13.13+20260602", (GNU, WINDOWS)), entry("3.13.14+20260610", (GNU, WINDOWS))


def changed(before: str, after: str, *documents: object, targets: tuple[str, ...] = (GNU, WINDOWS)) -> Review:
    made = review(lock(entry(before, targets)), lock(entry(after, targets)))
    return replace(made, advisories=compare_advisories(made.diff, index(*documents), bundled_table()))


def told(found: Review) -> list[tuple[str, str, str, str]]:
    return [(each.effect, each.advisory.id, each.versions, each.where) for each in found.advisories]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("3.13.13+20260602", "3.13.14+20260610", [("closes", "CVE-2026-1", "openssl 3.5.6 → 3.5.7", "all")]),
        ("3.13.14+20260610", "3.13.13+20260602", [("opens", "CVE-2026-1", "openssl 3.5.7 → 3.5.6", "all")]),
        # OpenSSL 3.0 never had it: an upgrade that introduces it.
        ("3.11.13+20250902", "3.11.13+20250918", [("opens", "CVE-2026-1", "openssl 3.0.16 → 3.5.3", "all")]),
        # Its components are unknown: neither fixed nor introduced.
        ("3.13.13+20260602", "3.14.9+20261021", []),
        ("3.13.14+20260610", "3.13.15+20260814", []),
    ],
)
def test_advisories_that_a_change_opens_and_closes_are_listed(
    before: str, after: str, expected: list[tuple[str, ...]]
) -> None:
    assert told(changed(before, after, NEW_OPENSSL)) == expected


def test_only_targets_that_contain_the_component_are_named() -> None:
    found = changed("3.13.13+20260602", "3.13.14+20260610", EXPAT, targets=(GNU, MAC, WINDOWS))
    assert told(found) == [("closes", "CVE-2024-8176", "expat 2.6.3 → 2.8.1", f"{GNU}, {MAC}")]


@pytest.mark.parametrize(
    ("effect", "found"),
    [
        ("opens", changed("3.13.14+20260610", "3.13.13+20260602", NEW_OPENSSL)),
        ("closes", changed("3.13.13+20260602", "3.13.14+20260610", NEW_OPENSSL)),
    ],
)
def test_every_format_shows_opened_as_prominently_as_closed_advisories(effect: str, found: Review) -> None:
    lines = diff_lines(found, Console(environ={"NO_COLOR": "1"}), width=100)
    assert f"default {effect} 1 advisory:" in lines
    assert any("CVE-2026-1 (medium), openssl" in line for line in lines)
    alert = "WARNING" if effect == "opens" else "TIP"
    assert f"> [!{alert}]\n> **default** {effect} 1 advisory:\n> - CVE-2026-1 (medium)" in markdown_comment(found)
    level = "warning" if effect == "opens" else "notice"
    (annotation,) = [each for each in diff_annotations(found) if "advisory" in each]
    assert annotation.startswith(f"::{level} ")
    assert f"default {effect} 1 advisory</h3>" in html_page(found)
    document = json.loads(json.dumps(diff_document(found)))
    assert [(each["effect"], each["id"]) for each in document["advisories"]] == [(effect, "CVE-2026-1")]
