"""The JSON schema of manifests: as committed, itself valid, and in agreement with the reader."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from hypothesis import given

from provision.errors import ProvisionError
from provision.manifest.edit import add_entry, new_manifest
from provision.manifest.keys import ENTRY, POLICY, SETTINGS
from provision.model.target import target_spellings
from tests.conftest import Golden
from tests.manifest.samples import EXAMPLE, SHA, parse
from tests.manifest.strategies import NAMES, specs, unhurried
from tests.support.schemas import SCHEMAS
from tools.manifest_schema import SCHEMA_ID, manifest_schema, schema_text

SCHEMA = manifest_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
URL = "https://example.com/a.tar.gz"

ACCEPTED = [
    EXAMPLE,
    new_manifest(),
    "[pythons]",
    *(
        f'[pythons]\nx = "{version}"'
        for version in (
            "3",
            "3.14",
            "3.14.2",
            "3.15.0rc1",
            "3.15a1",
            ">=3.12,<3.14",
            "~=3.13.1, !=3.13.2",
            "==3.15.0rc1",
            "3.14t",
            "3td",
            "3.14+freethreaded+debug",
            "pypy3.11",
            "pypy@3.11",
            "graalpy>=3.11",
            "cpython-3.13.5+freethreaded-linux-x86_64_v3-gnu",
            "cpython-3.13-darwin-aarch64-none",
        )
    ),
    *(f'[settings]\ntargets = ["{target}"]\n[pythons]' for target in target_spellings()),
    '[settings]\ncpu = "auto"\nflavor = "full"\ncooldown = 0\ncatalogs = []\n[pythons]',
    '[settings]\ncatalogs = ["a/b.ndjson", "http://127.0.0.1:8000/c.ndjson"]\n[pythons]',
    '[pythons]\nx = { version = "3", without = [], build-options = [], bytecode = false, externally-managed = false }',
    '[pythons]\n"py3.12" = { version = "3", cooldown = "2 weeks", build = "7.3.20" }',
    f'[pythons.x]\nversion = "3"\nsha256 = {{ linux-amd64 = "sha256:{SHA.upper()}" }}',
    f'[pythons.x]\nversion = "3.15.0rc1t"\nurl.linux-x86_64 = "{URL}"\nsha256.linux-x86_64 = "{SHA}"',
    '[pythons]\n[policy]\nallow-hosts = ["*.a.org:80"]\ncooldown = "1 day"\nallow-prereleases = true',
    '[pythons]\n[[policy.ignore]]\ncode = "PV001"\nreason = "x"',
]

REFUSED = [
    "",
    "[settings]",
    "pythons = 3",
    "[[pythons]]",
    "[pythons]\n[python]",
    *(
        f"[pythons]\nx = {value}"
        for value in (
            "3.14",
            "true",
            '["3.14"]',
            '""',
            '"stable"',
            '"314"',
            '"3.14.2.1"',
            '"jython2.7"',
            '"3.14tt"',
            '"3.14+pgo"',
            '"~=3.*"',
            "{}",
            "{ version = 3.14 }",
            '{ version = "3", versions = "3" }',
            '{ version = "3", build = 20260814 }',
            '{ version = "3", build = "../x" }',
            '{ version = "3", targets = [] }',
            '{ version = "3", targets = "linux-x86_64" }',
            '{ version = "3", targets = ["linux-foo"] }',
            '{ version = "3", targets = ["linux-x86_64", "linux-x86_64"] }',
            '{ version = "3", flavor = "stripped" }',
            '{ version = "3", cpu = "v5" }',
            '{ version = "3", debug = "true" }',
            '{ version = "3", build-options = ["fast"] }',
            '{ version = "3", cooldown = 3 }',
            '{ version = "3", cooldown = "3 months" }',
            '{ version = "3", bytecode = true }',
            '{ version = "3", bytecode = "checked-hash" }',
            '{ version = "3", externally-managed = 1 }',
            '{ version = "3", without = ["stdlib"] }',
            '{ version = "3", sha256 = "ab" }',
            '{ version = "3", sha256 = {} }',
            '{ version = "3", sha256 = { linux-x86_64 = "ab" } }',
            f'{{ version = "3", sha256 = {{ amiga = "{SHA}" }} }}',
            f'{{ version = "3.13.5", url = {{ linux-x86_64 = "{URL}" }} }}',
            f'{{ version = "3.13", url = {{ linux-x86_64 = "{URL}" }}, sha256 = {{ linux-x86_64 = "{SHA}" }} }}',
            f'{{ version = "3.13.5", url = {{ linux-x86_64 = "ftp://x/a" }}, sha256 = {{ linux-x86_64 = "{SHA}" }} }}',
        )
    ),
    *(f'[pythons]\n"{name}" = "3"' for name in ("Free", "", ".x", "a b", "bin", "nul", "com1.x", "a.", "x" * 65)),
    *(
        f"[settings]\n{line}\n[pythons]"
        for line in (
            'target = ["linux-x86_64"]',
            "targets = []",
            'cpu = ["v3"]',
            "prereleases = 0",
            'cooldown = "soon"',
            'catalogs = "a.ndjson"',
            'catalogs = ["http://example.com/a"]',
            'version = "3"',
        )
    ),
    "settings = []\n[pythons]",
    '[pythons]\n[policy]\nallow-hosts = ["https://a.org"]',
    '[pythons]\n[policy]\nallow-host = ["a.org"]',
    '[pythons]\n[[policy.ignore]]\ncode = "PV001"',
    '[pythons]\n[[policy.ignore]]\ncode = "X"\nreason = "x"',
    '[pythons]\n[[policy.ignore]]\ncode = "PV001"\nreason = " "',
]

# What a grammar cannot express.
CONTRADICTORY = [
    '[pythons]\nx = { version = "3.14t", freethreaded = false }',
    '[pythons]\nx = { version = "cpython-3.13.5-linux-x86_64_v3-gnu", cpu = "v2" }',
    '[pythons]\nx = { version = "3", targets = ["linux-x86_64", "x86_64-unknown-linux-gnu"] }',
    f'[pythons.x]\nversion = "3.13.5"\nurl.linux-x86_64 = "{URL}"\nsha256.macos-aarch64 = "{SHA}"',
]


def is_read(text: str) -> bool:
    try:
        parse(text)
    except ProvisionError:
        return False
    return True


def complaints(text: str) -> list[str]:
    return [error.message for error in VALIDATOR.iter_errors(tomllib.loads(text))]


def test_the_committed_schema_is_up_to_date(golden: Golden) -> None:
    golden(SCHEMAS / "pythons.schema.json", schema_text(SCHEMA))


def test_the_schema_is_a_valid_json_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$id"] == SCHEMA_ID
    assert json.loads(schema_text(SCHEMA)) == SCHEMA


@pytest.mark.parametrize("text", ACCEPTED)
def test_manifests_that_are_read_are_valid(text: str) -> None:
    assert complaints(text) == []
    assert is_read(text)


@pytest.mark.parametrize("text", REFUSED)
def test_manifests_that_are_refused_are_invalid(text: str) -> None:
    assert complaints(text)
    assert not is_read(text)


@pytest.mark.parametrize("text", CONTRADICTORY)
def test_contradictions_are_found_by_the_reader_only(text: str) -> None:
    assert not complaints(text)
    assert not is_read(text)


@unhurried
@given(NAMES, specs())
def test_every_generated_entry_that_is_read_is_valid(name: str, spec: dict[str, object]) -> None:
    text = add_entry("", name, spec)
    assert is_read(text)
    assert complaints(text) == []


def nodes(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        yield schema
        for value in schema.values():
            yield from nodes(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from nodes(value)


def test_every_key_has_a_title_a_description_and_examples_that_fit() -> None:
    for table, name in ((SETTINGS, "settings"), (ENTRY, "entry"), (POLICY, "policy")):
        properties = SCHEMA["$defs"][name]["properties"]
        assert properties.keys() == table.keys.keys()
        for key, schema in properties.items():
            assert schema["title"] == key
            assert schema["description"].endswith(".")
            resolved = VALIDATOR.evolve(schema=schema | {"$defs": SCHEMA["$defs"]})
            assert schema["examples"]
            for example in [*schema["examples"], *([schema["default"]] if "default" in schema else [])]:
                resolved.validate(example)


def test_every_reference_can_be_resolved() -> None:
    references = {node["$ref"] for node in nodes(SCHEMA) if "$ref" in node}
    assert references == {f"#/$defs/{name}" for name in SCHEMA["$defs"]}
