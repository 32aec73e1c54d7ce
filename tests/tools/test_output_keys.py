"""What keys of JSON documents mean: every key of every schema says it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.support.schemas import SCHEMAS
from tools.output_keys import KEYS, matching_key
from tools.output_schemas import output_schemas


def undescribed(schema: object, path: str = "") -> Iterator[str]:
    """The keys of a schema, and of its parts, without a description."""
    if isinstance(schema, dict):
        for key, value in schema.get("properties", {}).items():
            if not value.get("description", "").endswith("."):
                yield f"{path}.{key}"
        for word, value in schema.items():
            if word != "dependentSchemas":  # what a key requires of others
                yield from undescribed(value, path if word in ("properties", "items") else f"{path}.{word}")
    elif isinstance(schema, list):
        for each in schema:
            yield from undescribed(each, path)


def test_every_key_of_every_schema_has_a_description() -> None:
    """Editors show it while somebody writes a manifest, and the site's page on JSON documents."""
    for path in SCHEMAS.glob("*.schema.json"):
        assert list(undescribed(json.loads(path.read_text()))) == [], path.name
    assert list(undescribed({"properties": {"a": {"items": {"properties": {"b": {}}}}}}))


def test_every_description_of_keys_is_used() -> None:
    used: set[str] = set()

    def walk(schema: object, command: str, path: tuple[str, ...]) -> None:
        if isinstance(schema, dict):
            for key, value in schema.get("properties", {}).items():
                used.add(matching_key(command, (*path, key)))
                walk(value, command, (*path, key))
            for word in schema.keys() - {"properties"}:
                walk(schema[word], command, path)
        elif isinstance(schema, list):
            for each in schema:
                walk(each, command, path)

    for name, schema in output_schemas().items():
        walk(schema, name.removeprefix("output-") if name != "output-error" else name, ())
    assert used == set(KEYS)
    with pytest.raises(KeyError, match="no description"):
        matching_key("list", ("pythons", "shade"))
