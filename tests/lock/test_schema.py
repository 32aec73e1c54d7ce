"""The JSON schema of a lock: the committed file, and what it accepts."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from jsonschema import Draft202012Validator

from provision.lock.document import Lock
from provision.lock.rows import ASSET_KEYS, LOCK_KEYS, PYTHON_KEYS
from provision.lock.schema import lock_schema
from provision.lock.toml import format_lock
from tests.lock.samples import python
from tests.lock.strategies import locks

COMMITTED = Path(__file__).parents[2] / "schemas" / "pythons-lock.schema.json"
VALIDATOR = Draft202012Validator(lock_schema())


def test_the_committed_file_is_this_schema() -> None:
    assert json.loads(COMMITTED.read_text()) == lock_schema(), (
        "provision schema lock > schemas/pythons-lock.schema.json"
    )


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(lock_schema())


@given(locks())
def test_it_accepts_every_lock(lock: Lock) -> None:
    VALIDATOR.validate(tomllib.loads(format_lock(lock)))


@pytest.mark.parametrize(
    ("key", "value"), [("build", "../up"), ("version", "3.14"), ("flavor", "huge"), ("more", 1), ("without", ["all"])]
)
def test_it_refuses_what_the_reader_refuses(key: str, value: object) -> None:
    table = tomllib.loads(format_lock(Lock(pythons=(python(),))))
    VALIDATOR.validate(table)
    table["python"][0][key] = value
    assert not VALIDATOR.is_valid(table)


def test_it_knows_the_keys_that_the_reader_knows() -> None:
    schema: Any = lock_schema()
    entry = schema["properties"]["python"]["items"]
    assert set(schema["properties"]) == set(LOCK_KEYS)
    assert set(entry["properties"]) == set(PYTHON_KEYS)
    assert set(entry["properties"]["asset"]["items"]["properties"]) == set(ASSET_KEYS)
    assert set(entry["required"]) == {key for key, known in PYTHON_KEYS.items() if known.required} | {"asset"}
