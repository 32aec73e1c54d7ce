"""A diff as JSON and annotations, and the closed schema that fixes the keys and words of the JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

import pytest
from jsonschema import Draft202012Validator

from provision.review.changes import Aspect, ChangeKind, Direction
from provision.review.diff_formats import DIFF_VERSION, diff_annotations, diff_document
from provision.review.notices import NOTICE_SEVERITIES, NoticeKind
from tests.review.samples import with_details
from tests.support.schemas import read_schema

SCHEMA = read_schema("pythons-diff")
LOCKED = read_schema("pythons-lock")["properties"]["python"]["items"]["properties"]


def items(table: dict[str, Any], key: str) -> dict[str, Any]:
    """The properties of the tables that a list holds."""
    found: dict[str, Any] = table[key]["items"]["properties"]
    return found


def either(table: dict[str, Any], key: str) -> dict[str, Any]:
    """The properties of a table that may be null instead."""
    found, null = table[key]["anyOf"]
    assert null == {"type": "null"}
    properties: dict[str, Any] = found["properties"]
    return properties


ENTRY = items(SCHEMA["properties"], "entries")
ROW = items(ENTRY, "assets")
NOTICE = items(SCHEMA["properties"], "notices")


def objects(schema: object) -> Iterator[dict[str, Any]]:
    """Every schema of an object in it."""
    if isinstance(schema, dict):
        if "properties" in schema:
            yield schema
        for value in schema.values():
            yield from objects(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from objects(value)


def test_the_schema_is_valid() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def test_every_key_is_required_and_no_other_is_allowed() -> None:
    """So no key of a document is without its schema, nor the reverse: `test_history` validates many documents."""
    for found in objects(SCHEMA):
        assert found["type"] == "object"
        assert found["required"] == list(found["properties"])
        assert found["additionalProperties"] is False


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        (NOTICE["severity"], NOTICE_SEVERITIES),
        (NOTICE["kind"], get_args(NoticeKind)),
        (ENTRY["kind"], get_args(ChangeKind)),
        (ROW["kind"], get_args(ChangeKind)),
        (ENTRY["aspects"]["items"], get_args(Aspect)),
        (ROW["aspects"]["items"], get_args(Aspect)),
        (ENTRY["version-direction"], (*get_args(Direction), None)),
        (ENTRY["build-direction"], (*get_args(Direction), None)),
    ],
)
def test_the_values_of_the_schema_are_those_of_the_code(schema: dict[str, Any], words: tuple[str | None, ...]) -> None:
    assert schema["enum"] == list(words)


def test_the_version_is_the_one_that_is_written() -> None:
    assert SCHEMA["properties"]["version"]["const"] == DIFF_VERSION


def test_values_and_patterns_of_a_lock_file_are_those_of_its_schema() -> None:
    """Words and patterns; a text whose pattern it leaves out, and what may be null, are looser on purpose."""
    asset = LOCKED["asset"]["items"]["properties"]
    notice = items(NOTICE, "assets")
    assert ENTRY["name"]["pattern"] == LOCKED["name"]["pattern"]
    assert ROW["target"]["enum"] == notice["target"]["enum"] == asset["target"]["enum"]
    assert ROW["cpu"]["enum"] == notice["cpu"]["enum"] == asset["cpu"]["enum"]
    for side in ("old", "new"):
        python, row = either(ENTRY, side), either(ROW, side)
        for key in ("implementation", "flavor"):
            assert python[key]["enum"] == LOCKED[key]["enum"]
        for key in ("build-options", "without"):
            assert python[key]["items"]["enum"] == LOCKED[key]["items"]["enum"]
        for key in ("request", "build"):
            assert python[key]["pattern"] == LOCKED[key]["pattern"]
        assert row["build-options"]["items"]["enum"] == asset["build-options"]["items"]["enum"]
        assert row["sha256"]["pattern"] == asset["sha256"]["pattern"]
        assert row["published"]["anyOf"][0]["pattern"] == asset["published"]["pattern"]


def test_differences_inside_trees_are_in_the_document() -> None:
    document = diff_document(with_details())
    Draft202012Validator(SCHEMA).validate(document)
    assert document["details"] == [
        {
            "entry": "default",
            "place": "macos-aarch64",
            "missing": None,
            "size-delta": -5,
            "libraries": [{"library": "OpenSSL", "old": "", "new": "3.5.1"}],
            "folders": [{"folder": "lib/ssl", "added": 1, "removed": 2, "changed": 3, "examples": ["lib/ssl/a.py"]}],
        }
    ]


def test_annotations_begin_with_notices_and_end_with_the_changes_of_each_entry() -> None:
    notice, change = diff_annotations(with_details())
    assert notice.startswith("::notice file=pythons.lock,line=1,title=notice%3A default::newer version ")
    assert change == (
        "::notice file=pythons.lock,line=1,title=default::version up: 3.14.7+20260814 → 3.14.8+20260901 (all)"
        "%0Ainside default, macos-aarch64: -5 B%0A  OpenSSL  – → 3.5.1"
        "%0A  lib/ssl/  1 added, 2 removed, 3 changed  (a.py)"
    )
