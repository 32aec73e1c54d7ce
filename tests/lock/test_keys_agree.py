"""Each key of `pythons.lock`, checked from its table to the text, back to the value, the schema and the page."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from provision.errors import LockFileError, SeveralErrors
from provision.lock.keys import (
    ASSET_KEYS,
    ATTESTATION_KEYS,
    LOCK_KEYS,
    PYTHON_KEYS,
    AssetTable,
    AttestationTable,
    LockTable,
    PythonTable,
)
from provision.lock.lock import Lock
from provision.lock.read import parse_lock
from provision.lock.write import format_lock
from provision.model.tree import TreeOptions
from tests.lock.samples import ATTESTATION, LOCK, asset, python

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "lock.md").read_text(encoding="utf-8")
SCHEMA: dict[str, Any] = json.loads((ROOT / "schemas" / "pythons-lock.schema.json").read_text(encoding="utf-8"))
PYTHON_SCHEMA: dict[str, Any] = SCHEMA["properties"]["python"]["items"]
ATTESTATION_SCHEMA: dict[str, Any] = SCHEMA["properties"]["attestation"]["items"]
ASSET_SCHEMA: dict[str, Any] = PYTHON_SCHEMA["properties"]["asset"]["items"]

# A lock in which no key is left out, because none has its default.
FULL = Lock(
    pythons=(
        python(
            asset(options="pgo"),
            asset(target="linux-aarch64", options="pgo+lto", size=7, published="2026-08-14T12:00:00Z"),
            tree=TreeOptions(bytecode=True, externally_managed=False, without=("tests",)),
        ),
    ),
    attestations=(ATTESTATION,),
)
TEXT = format_lock(FULL)
WRITTEN = tomllib.loads(TEXT)
ENTRY = WRITTEN["python"][0]
ROW = next(row for row in ENTRY["asset"] if "build-options" in row)

TABLES = {
    "lock": (LOCK_KEYS, LockTable, WRITTEN, SCHEMA),
    "python": (PYTHON_KEYS, PythonTable, ENTRY, PYTHON_SCHEMA),
    "asset": (ASSET_KEYS, AssetTable, ROW, ASSET_SCHEMA),
    "attestation": (ATTESTATION_KEYS, AttestationTable, WRITTEN["attestation"][0], ATTESTATION_SCHEMA),
}
KEYS = [pytest.param(name, key, id=f"{name}.{key}") for name, (keys, *_) in TABLES.items() for key in keys]
HOLDS_TABLES = {
    ("lock", "python"): "[[python]]",
    ("lock", "attestation"): "[[attestation]]",
    ("python", "asset"): "[[python.asset]]",
}


@pytest.mark.parametrize("name", TABLES)
def test_each_key_has_a_field_is_written_and_is_in_the_schema(name: str) -> None:
    keys, table, written, schema = TABLES[name]
    assert [key.replace("-", "_") for key in keys] == list(vars(table)["__slots__"])
    assert set(written) == set(keys), "provision/lock/write.py"
    assert set(schema["properties"]) == set(keys), "schemas/pythons-lock.schema.json"


@pytest.mark.parametrize("name", TABLES)
def test_the_schema_and_the_reader_require_the_same_keys(name: str) -> None:
    keys, _, _, schema = TABLES[name]
    needed = {key for key, known in keys.items() if known.required}
    assert set(schema["required"]) == needed | ({"asset"} if name == "python" else set())


@pytest.mark.parametrize(("name", "key"), KEYS)
def test_each_key_is_documented(name: str, key: str) -> None:
    assert f"`{HOLDS_TABLES.get((name, key), key)}`" in PAGE, f"docs/lock.md says nothing of {key}"


def test_a_lock_with_every_key_survives_the_round_trip() -> None:
    assert parse_lock(TEXT, LOCK).lock == FULL


@pytest.mark.parametrize(("name", "key"), [param for param in KEYS if tuple(param.values) not in HOLDS_TABLES])
def test_the_value_of_each_key_is_read(name: str, key: str) -> None:
    """Without its line, the lock is different or invalid."""
    start = {
        "lock": 0,
        "python": TEXT.index("[[python]]"),
        "asset": TEXT.index(f'target = "{ROW["target"]}"'),
        "attestation": TEXT.index("[[attestation]]"),
    }[name]
    line = re.compile(rf"^{key} = .*\n", re.MULTILINE)
    found = line.search(TEXT, start)
    assert found is not None
    try:
        read = parse_lock(TEXT[: found.start()] + TEXT[found.end() :], LOCK).lock
    except (LockFileError, SeveralErrors):
        assert TABLES[name][0][key].required
    else:
        assert read != FULL
