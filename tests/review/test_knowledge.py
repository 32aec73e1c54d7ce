"""Findings about what the catalog knows of a locked build."""

from __future__ import annotations

from datetime import date

from provision.catalog.catalog import Catalog
from provision.catalog.components import bundled_table
from provision.lock.positions import LockPositions
from provision.lock.resolve import resolve
from provision.lock.write import format_lock
from provision.manifest.keys import Policy
from provision.model.asset import CPU_LEVELS
from provision.review.findings import AuditContext, Finding
from provision.review.knowledge import check_knowledge
from tests.lock.samples import HOST, asset, manifest, partly_known

NAME = "3.13.17+20261021"
ROWS = [asset(NAME, cpu=cpu) for cpu in CPU_LEVELS]


def findings(before: Catalog, after: Catalog) -> tuple[list[Finding], str]:
    """The findings on a lock made from one catalog, with another catalog; and the text of the lock."""
    asked = manifest('fast = { version = "3.13", cpu = "auto" }')
    lock = resolve(asked, before, None, host=HOST).lock
    text = format_lock(lock)
    context = AuditContext(
        lock=lock,
        lines=LockPositions(text),
        file="pythons.lock",
        manifest=asked,
        upstream=after,
        components=bundled_table(),
        own_catalog=None,
        policy=Policy(),
        today=date(2026, 11, 11),
    )
    return list(check_knowledge(context)), text


def test_newly_known_levels_are_a_note_at_the_build() -> None:
    (found,), text = findings(partly_known(ROWS[0]), partly_known(*ROWS))
    assert (found.code, found.severity) == ("PV027", "note")
    assert found.message == f"{NAME} now has v2, v3, v4: `provision lock --upgrade fast`"
    assert text.splitlines()[found.line - 1] == 'build = "20261021"'


def test_an_archive_that_is_no_longer_listed_is_a_warning_at_its_url() -> None:
    (found,), text = findings(partly_known(*ROWS), partly_known(*ROWS, gone=ROWS[1:2]))
    assert (found.code, found.severity) == ("PV028", "warning")
    assert found.message == f"upstream no longer lists {ROWS[1].filename}"
    assert ROWS[1].url in text.splitlines()[found.line - 1]


def test_without_new_knowledge_there_are_no_findings() -> None:
    assert findings(partly_known(*ROWS), partly_known(*ROWS))[0] == []
