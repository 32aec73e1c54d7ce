"""The states of a project's entries, and their requests in short form."""

from __future__ import annotations

from pathlib import Path

import pytest

from provision.host.detect import detect_host
from provision.manifest.read import parse_manifest
from provision.workflows.list import list_pythons, request_text
from provision.workflows.lock import lock
from provision.workflows.options import Options


def write(options: Options, entries: str) -> None:
    assert options.manifest is not None
    options.manifest.write_text(f"[pythons]\n{entries}\n")


def test_without_a_lock_file_no_entry_is_locked(options: Options) -> None:
    write(options, 'one = "3.13"')
    (row,) = list_pythons(options).rows
    assert (row.name, row.request, row.state, row.python) == ("one", "3.13", "not locked", None)


def test_new_changed_unchanged_and_foreign_entries_have_their_state(options: Options) -> None:
    other = '{ version = "3.13", targets = ["windows-aarch64"] }'
    write(options, f'other = {other}\nsame = "3.13"\nchanged = "3.13"')
    lock(options)
    write(options, f'other = {other}\nsame = "3.13"\nchanged = "3.12"\nnew = "3.13"')
    rows = {row.name: row for row in list_pythons(options).rows}
    assert [(name, row.state) for name, row in rows.items()] == [
        ("other", "not for this machine"),
        ("same", "not installed"),
        ("changed", "stale"),
        ("new", "not locked"),
    ]
    assert rows["same"].asset is not None
    assert (rows["same"].executable, rows["same"].reason) == (None, "")
    assert rows["other"].reason == f"other: not for {detect_host().target.short}"
    assert rows["changed"].reason.startswith("request changed after it was locked")
    assert str(rows["changed"].stale) == f"changed: {rows['changed'].reason}"


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        ('"3.14t"', "3.14t"),
        ('"pypy3.11"', "pypy 3.11"),
        ('{ version = ">=3.12,<3.14", freethreaded = true, debug = true }', ">=3.12,<3.14td"),
        (
            '{ version = "3.13", cpu = "auto", flavor = "full", build = "20260814" }',
            "3.13 cpu=auto full build=20260814",
        ),
    ],
)
def test_a_request_is_shown_in_short_form(entry: str, text: str) -> None:
    (request,) = parse_manifest(f"[pythons]\none = {entry}\n", Path("pythons.toml")).requests
    assert request_text(request) == text
