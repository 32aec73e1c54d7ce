"""The JSON schema of a lock: it agrees with the reader, key by key and word by word."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from jsonschema import Draft202012Validator

from provision.lock.keys import ASSET_KEYS, LOCK_KEYS, LOCK_VERSION_PATTERN, NAME, PUBLISHED, PYTHON_KEYS, SHA256
from provision.lock.lock import Lock
from provision.lock.write import format_lock
from provision.model.asset import BUILD_PATTERN, CPU_LEVELS, FLAVORS, IMPLEMENTATIONS, OPTIONS
from provision.model.table import KeyField
from provision.model.target import KNOWN_TARGETS
from provision.model.tree import REMOVABLE_PARTS
from provision.url import URL_PATTERN
from tests.lock.samples import python
from tests.lock.strategies import locks
from tests.support.schemas import read_schema

SCHEMA = read_schema("pythons-lock")
VALIDATOR = Draft202012Validator(SCHEMA)
ENTRY = SCHEMA["properties"]["python"]["items"]
ASSET = ENTRY["properties"]["asset"]["items"]


def test_the_schema_is_valid() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@given(locks())
def test_the_schema_accepts_every_lock_file(lock: Lock) -> None:
    VALIDATOR.validate(tomllib.loads(format_lock(lock)))


@pytest.mark.parametrize(
    ("key", "value"), [("build", "../up"), ("version", "3.14"), ("flavor", "huge"), ("more", 1), ("without", ["all"])]
)
def test_the_schema_refuses_values_that_the_reader_refuses(key: str, value: object) -> None:
    table = tomllib.loads(format_lock(Lock(pythons=(python(),))))
    VALIDATOR.validate(table)
    table["python"][0][key] = value
    assert not VALIDATOR.is_valid(table)


@pytest.mark.parametrize(
    ("table", "keys", "required"),
    [(SCHEMA, LOCK_KEYS, set()), (ENTRY, PYTHON_KEYS, {"asset"}), (ASSET, ASSET_KEYS, set())],
    ids=["lock", "python", "asset"],
)
def test_the_schema_has_the_keys_of_the_reader(
    table: dict[str, object], keys: dict[str, KeyField], required: set[str]
) -> None:
    properties = table["properties"]
    assert isinstance(properties, dict)
    assert set(properties) == set(keys)
    assert all(schema["description"].endswith(".") for schema in properties.values())
    assert table["required"] == [key for key in properties if key in required or keys[key].required]
    assert table["additionalProperties"] is False


WORDS = [
    (ENTRY, "implementation", IMPLEMENTATIONS),
    (ENTRY, "flavor", FLAVORS),
    (ENTRY, "bytecode", ("unchecked-hash",)),
    (ASSET, "target", tuple(sorted(KNOWN_TARGETS))),
    (ASSET, "cpu", CPU_LEVELS),
    (ENTRY, "build-options", OPTIONS),
    (ASSET, "build-options", OPTIONS),
    (ENTRY, "without", REMOVABLE_PARTS),
]
PATTERNS = [
    (SCHEMA, "lock-version", LOCK_VERSION_PATTERN),
    (ENTRY, "name", NAME),
    (ENTRY, "request", f"sha256:{SHA256}"),
    (ENTRY, "build", BUILD_PATTERN),
    (ASSET, "url", URL_PATTERN),
    (ASSET, "sha256", SHA256),
    (ASSET, "published", PUBLISHED),
]


@pytest.mark.parametrize(("table", "key", "words"), WORDS, ids=lambda value: value if isinstance(value, str) else "")
def test_the_values_of_the_schema_are_those_of_the_code(
    table: dict[str, dict[str, object]], key: str, words: tuple[str, ...]
) -> None:
    schema = table["properties"][key]
    assert isinstance(schema, dict)
    assert schema.get("items", schema)["enum"] == list(words)


@pytest.mark.parametrize(("table", "key", "pattern"), PATTERNS, ids=[key for _, key, _ in PATTERNS])
def test_the_patterns_of_the_schema_are_those_of_the_code(
    table: dict[str, dict[str, object]], key: str, pattern: str
) -> None:
    schema = table["properties"][key]
    assert isinstance(schema, dict)
    assert schema["pattern"] == f"^(?:{pattern})$"
