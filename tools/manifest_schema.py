"""The JSON schema of `pythons.toml`, made from the tables of its keys.

Editors read it, provision itself does not. ``pytest --update-golden tests/tools/test_manifest_schema.py`` writes it to
``schemas/``.
"""

from __future__ import annotations

from typing import Any

from provision.manifest.keys import ENTRY, POLICY, SETTINGS, VERSION
from provision.manifest.kinds import (
    DURATION_PATTERN,
    TARGET,
    ByTarget,
    Choice,
    Day,
    Duration,
    Flag,
    ListOf,
    Number,
    Switch,
    Table,
    Text,
)
from provision.manifest.manifest import DEVICE_NAMES, MAX_NAME_LENGTH, NAME_PATTERN, RESERVED_NAMES
from provision.model.table import KeyField, Kind
from provision.model.target import KNOWN_TARGETS, target_spellings

Schema = dict[str, Any]


# An identifier of the schema, not an address: nothing is published there.
SCHEMA_ID = "urn:provision:schema:pythons"


def manifest_schema() -> Schema:
    """The schema, draft 2020-12, as JSON values.

    It accepts all that provision reads, and refuses what a grammar can express; anything else (contradictions between
    keys, the same target in two spellings) is found by reading only.
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": "pythons.toml",
        "description": "The Python interpreters that a repository wants, for `provision`.",
        "type": "object",
        "required": ["pythons"],
        "additionalProperties": False,
        "properties": {
            "settings": {"title": "Settings", "description": "Defaults for all entries.", "$ref": "#/$defs/settings"},
            "pythons": _pythons(),
            "policy": {"title": "Policy", "description": "What a lock may hold.", "$ref": "#/$defs/policy"},
        },
        "$defs": {
            "settings": _table(SETTINGS),
            "entry": _table(ENTRY) | _OWN_ARCHIVES,
            "policy": _table(POLICY),
            "target": _target(),
        },
    }


# Custom archives have one exact version, and a hash.
_OWN_ARCHIVES: Schema = {
    "dependentSchemas": {
        "url": {"required": ["sha256"], "properties": {"version": {"pattern": "[0-9]+\\.[0-9]+(\\.[0-9]+|(a|b|rc))"}}}
    }
}


def schema_text(schema: Schema) -> str:
    """A schema as the text of a file in ``schemas/``."""
    import json

    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _pythons() -> Schema:
    reserved = [f"^({'|'.join(RESERVED_NAMES)})$", f"^({'|'.join(DEVICE_NAMES)})(\\.|$)", "\\.$"]
    return {
        "title": "Pythons",
        "description": "The interpreters by name: each a version request, or a table that says more.",
        "type": "object",
        "propertyNames": {
            "pattern": NAME_PATTERN,
            "maxLength": MAX_NAME_LENGTH,
            "not": {"anyOf": [{"pattern": pattern} for pattern in reserved]},
        },
        "additionalProperties": {
            "title": "Python",
            "anyOf": [
                _of(VERSION) | {"title": "Version", "description": ENTRY.keys["version"].doc},
                {"title": "Entry", "$ref": "#/$defs/entry"},
            ],
        },
        "examples": [{"default": "3.14", "free": "3.14t", "debug": {"version": "3.14", "debug": True}}],
    }


def _target() -> Schema:
    """The documented spellings first, which editors offer; then all others that are read."""
    documented = sorted({target.short for target in KNOWN_TARGETS.values()} | {"linux-armv7"}) + sorted(KNOWN_TARGETS)
    others = sorted(set(target_spellings()).difference(documented))
    return {
        "title": "Target",
        "description": "A platform: a target triple, or its short form.",
        "type": "string",
        "anyOf": [{"enum": documented}, {"pattern": f"^({'|'.join(others)})$"}],
        "examples": ["linux-x86_64", "x86_64-unknown-linux-musl"],
    }


def _table(table: Table[Any]) -> Schema:
    schema: Schema = {
        "type": "object",
        "additionalProperties": False,
        "properties": {key: _property(field) for key, field in table.keys.items()},
    }
    required = [key for key, field in table.keys.items() if field.required]
    return schema | ({"required": required} if required else {})


def _property(field: KeyField) -> Schema:
    schema: Schema = {"title": field.key, "description": field.doc} | _of(field.kind)
    if field.schema_default is not None:
        schema["default"] = field.schema_default
    return schema | {"examples": list(field.examples)}


def _of(kind: Kind[Any]) -> Schema:
    schema: Schema
    match kind:
        case Flag():
            schema = {"type": "boolean"}
        case Choice():
            schema = {"type": "string", "enum": list(kind.words)}
        case Number():
            return {"type": "integer", "minimum": 1, "maximum": kind.most}
        case Switch():
            schema = {"enum": [kind.word, False]}
        case Duration():
            schema = {"anyOf": [{"type": "string", "pattern": DURATION_PATTERN, "maxLength": 64}, {"const": 0}]}
        case Day():
            schema = {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}
        case Text() if kind is TARGET:
            schema = {"$ref": "#/$defs/target"}
        case Text():
            schema = {"type": "string", "pattern": kind.pattern, "maxLength": kind.longest}
        case ListOf():
            schema = {"type": "array", "items": _of(kind.kind), "uniqueItems": True}
            schema |= ({"minItems": kind.least} if kind.least else {}) | {"maxItems": kind.most}
        case ByTarget():
            schema = {"type": "object", "propertyNames": {"$ref": "#/$defs/target"}, "minProperties": 1}
            schema |= {"additionalProperties": _of(kind.kind)}
        case Table():
            schema = _table(kind)
        case _:
            raise TypeError(f"{type(kind).__name__} has no schema yet")
    return schema
