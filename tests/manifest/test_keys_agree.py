"""Each key of `pythons.toml`, checked from its table to the request's digest, the schema and the page.

A key that is read and then ignored, or one that is not documented, fails here.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import tomlkit

from provision.manifest.keys import ENTRY, IGNORE_RULE, POLICY, SETTINGS
from provision.manifest.kinds import Table
from provision.manifest.manifest import Manifest, request_digest
from provision.model.table import KeyField
from tests.manifest.samples import SHA, parse

ROOT = Path(__file__).parents[2]
SCHEMA: dict[str, Any] = json.loads((ROOT / "schemas" / "pythons.schema.json").read_text(encoding="utf-8"))["$defs"]
PAGE = (ROOT / "docs" / "manifest.md").read_text(encoding="utf-8")

# Each table: the heading that it is documented under, and its properties in the schema.
TABLES: dict[str, tuple[Table[Any], str, dict[str, Any]]] = {
    "settings": (SETTINGS, "`[settings]`", SCHEMA["settings"]["properties"]),
    "entry": (ENTRY, "Entries", SCHEMA["entry"]["properties"]),
    "policy": (POLICY, "`[policy]`", SCHEMA["policy"]["properties"]),
    "ignore": (IGNORE_RULE, "`[policy]`", SCHEMA["policy"]["properties"]["ignore"]["items"]["properties"]),
}

# Keys that change neither what is locked nor what is installed, so they make no lock stale; each with its reason.
NOT_IN_THE_DIGEST = {
    ("settings", "catalogs"): "says where to look, not for what",
    ("entry", "default"): "names commands of the project; what is locked and installed is the same",
    ("policy", "allow-hosts"): "judges a lock; resolving asks no policy",
    ("policy", "cooldown"): "judges a lock; resolving asks no policy",
    ("policy", "allow-prereleases"): "judges a lock; resolving asks no policy",
    ("policy", "allow-end-of-life"): "judges a lock; resolving asks no policy",
    ("policy", "advisories"): "judges a lock; resolving asks no policy",
    ("policy", "max-severity"): "judges a lock; resolving asks no policy",
    ("policy", "provenance"): "judges a lock; resolving asks no policy",
    ("entry", "attestation"): "says who must have built the archives; which they are, it does not",
    ("policy", "ignore"): "judges a lock; resolving asks no policy",
    ("ignore", "code"): "judges a lock; resolving asks no policy",
    ("ignore", "reason"): "judges a lock; resolving asks no policy",
    ("ignore", "until"): "judges a lock; resolving asks no policy",
}

# An entry in which every key can be given.
PLAIN: dict[str, Any] = {"version": "3.13.5"}
HASHED = PLAIN | {"sha256": {"x86_64-unknown-linux-gnu": SHA}}
OURS = HASHED | {"url": {"x86_64-unknown-linux-gnu": "https://example.com/20260814/python.tar.gz"}}
RULE = {"code": "PV002", "reason": "another one"}

KEYS = [pytest.param(name, key, id=f"{name}.{key}") for name, (table, *_) in TABLES.items() for key in table.keys]


def field_of(name: str, key: str) -> KeyField:
    return TABLES[name][0].keys[key]


def written(tables: dict[str, Any]) -> Manifest:
    return parse(tomlkit.dumps(tables))


def pair(name: str, key: str, value: object) -> tuple[Manifest, Manifest]:
    """Two manifests that differ only in this: the second gives a key this value, the first does not."""
    first: dict[str, Any]
    second: dict[str, Any]
    match name:
        case "settings":
            first, second = {"pythons": {"x": PLAIN}}, {"settings": {key: value}, "pythons": {"x": PLAIN}}
        case "entry":
            base = {"url": HASHED, "attestation": OURS}.get(key, PLAIN)
            first, second = {"pythons": {"x": base}}, {"pythons": {"x": base | {key: value}}}
        case "policy":
            first, second = {"pythons": {}}, {"pythons": {}, "policy": {key: value}}
        case _:
            first, second = ({"pythons": {}, "policy": {"ignore": [rule]}} for rule in (RULE, RULE | {key: value}))
    return written(first), written(second)


def told_apart(one: Manifest, other: Manifest) -> bool:
    """Whether what resolving and auditing go by differs, the place of the entry aside."""
    return (one.requests, one.settings, one.policy) != (other.requests, other.settings, other.policy)


def digests(manifest: Manifest) -> list[str]:
    return [str(request_digest(request)) for request in manifest.requests]


@pytest.mark.parametrize("name", TABLES)
def test_each_key_has_a_field(name: str) -> None:
    table = TABLES[name][0]
    assert [key.replace("-", "_") for key in table.keys] == list(vars(table.value)["__slots__"])


@pytest.mark.parametrize(("name", "key"), KEYS)
def test_each_key_is_in_the_schema(name: str, key: str) -> None:
    assert TABLES[name][2][key]["description"] == field_of(name, key).doc, "renew schemas/pythons.schema.json"


@pytest.mark.parametrize(("name", "key"), KEYS)
def test_each_key_is_documented(name: str, key: str) -> None:
    _, heading, _ = TABLES[name]
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    assert re.search(rf"`{key}`|\b{key} = ", section), f"docs/manifest.md says nothing of {key} under {heading}"


@pytest.mark.parametrize(("name", "key"), KEYS)
def test_the_value_of_each_key_is_read(name: str, key: str) -> None:
    pairs = [pair(name, key, value) for value in field_of(name, key).examples]
    assert any(told_apart(*each) for each in pairs), f"{key} is read and then forgotten"


def test_settings_apply_to_every_entry() -> None:
    for key in SETTINGS.keys:
        pairs = [pair("settings", key, value) for value in SETTINGS.keys[key].examples]
        reach = any(one.requests != other.requests for one, other in pairs)
        assert reach or ("settings", key) in NOT_IN_THE_DIGEST, f"{key} reaches no request"


@pytest.mark.parametrize(("name", "key"), KEYS)
def test_each_key_that_affects_the_lock_file_is_in_the_digest(name: str, key: str) -> None:
    pairs = [pair(name, key, value) for value in field_of(name, key).examples]
    makes_stale = any(digests(one) != digests(other) for one, other in pairs)
    assert makes_stale is not ((name, key) in NOT_IN_THE_DIGEST), "see provision/manifest/manifest.py"


@pytest.mark.parametrize(("name", "key"), KEYS)
def test_writing_a_default_value_changes_nothing(name: str, key: str) -> None:
    default = field_of(name, key).schema_default
    if default is not None:
        one, other = pair(name, key, default)
        assert digests(one) == digests(other)
