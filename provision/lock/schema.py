"""Owns the JSON schema of `pythons.lock`, for editors and other tools; its words are those of `rows`."""

from __future__ import annotations

from provision.lock.rows import BUILD, LOCK_VERSION, NAME, PUBLISHED, SHA256, SLIMS
from provision.manifest.address import URL_PATTERN
from provision.model.build import CPU_LEVELS, FLAVORS, IMPLEMENTATIONS, OPTIONS
from provision.model.target import KNOWN

Schema = dict[str, object]


def lock_schema() -> Schema:
    """A lock as data, after TOML's parser: JSON Schema, draft 2020-12."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "pythons.lock",
        "description": "Which archive each Python interpreter of a repository is, on each platform. Made by provision.",
        "type": "object",
        "properties": {
            "lock-version": _text(
                LOCK_VERSION, "The format: a newer minor may add keys; a newer major is another.", "1.0"
            ),
            "python": {
                "type": "array",
                "description": "The interpreters, sorted by name.",
                "items": _python(),
            },
        },
        "required": ["lock-version"],
        "additionalProperties": False,
    }


def _python() -> Schema:
    properties: dict[str, Schema] = {
        "name": _text(NAME, "The entry's name in pythons.toml.", "default", "free"),
        "request": _text(f"sha256:{SHA256}", "The digest of the normalised request that the entry answers."),
        "implementation": _word(IMPLEMENTATIONS, "What kind of Python it is."),
        "version": _text(
            r"[0-9]{1,4}\.[0-9]{1,4}\.[0-9]{1,4}((a|b|rc)[0-9]{1,4})?", "The version.", "3.14.2", "3.15.0rc1"
        ),
        "build": _text(BUILD, "The release it was built for: python-build-standalone's tag.", "20260814"),
        "build-options": _words(OPTIONS, "The build options that all assets share, sorted."),
        "flavor": _word(FLAVORS, "The kind of archive."),
        "bytecode": _word(("unchecked-hash",), "Compile the standard library after unpacking. Left out: do not."),
        "externally-managed": {
            "type": "boolean",
            "description": "Whether pip is told to leave the tree alone (PEP 668). Left out: true.",
            "default": True,
        },
        "without": _words(SLIMS, "Parts that are left out of the tree, sorted."),
        "asset": {
            "type": "array",
            "description": "One archive for each target and level, sorted by target, then level.",
            "items": _asset(),
            "minItems": 1,
        },
    }
    required = ["name", "request", "implementation", "version", "build", "build-options", "flavor", "asset"]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _asset() -> Schema:
    properties: dict[str, Schema] = {
        "target": _word(tuple(sorted(KNOWN)), "The target triple, without the level."),
        "cpu": _word(CPU_LEVELS, "The x86-64 level that the machine must have."),
        "build-options": _words(OPTIONS, "All build options of this asset, where it has more than the entry names."),
        "url": _text(
            URL_PATTERN, "The canonical URL: a mirror never shows here.", "https://example.com/cpython.tar.zst"
        ),
        "sha256": _text(SHA256, "The sha256 of the archive's bytes."),
        "size": {"type": "integer", "minimum": 0, "description": "The archive's size in bytes, where known."},
        "published": _text(PUBLISHED, "When it was published, in UTC, where known.", "2026-08-14T12:00:00Z"),
    }
    required = ["target", "cpu", "url", "sha256"]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _text(pattern: str, description: str, *examples: str) -> Schema:
    schema: Schema = {"type": "string", "description": description, "pattern": f"^(?:{pattern})$"}
    return schema | {"examples": list(examples)} if examples else schema


def _word(words: tuple[str, ...], description: str) -> Schema:
    return {"enum": list(words), "description": description}


def _words(words: tuple[str, ...], description: str) -> Schema:
    return {"type": "array", "description": description, "items": {"enum": list(words)}, "uniqueItems": True}
