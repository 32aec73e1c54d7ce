"""Owns the JSON schema of a diff's document, for tools that read it; its words are those of the values themselves."""

from __future__ import annotations

from typing import get_args

from provision.lock.rows import BUILD, LOCK_VERSION, NAME, PUBLISHED, SHA256, SLIMS
from provision.model.build import CPU_LEVELS, FLAVORS, IMPLEMENTATIONS, OPTIONS
from provision.model.target import KNOWN
from provision.review.changes import Aspect, Direction, Kind
from provision.review.document import DIFF_VERSION
from provision.review.notices import SEVERITIES
from provision.review.notices import Kind as NoticeKind

Schema = dict[str, object]

_TEXT: Schema = {"type": "string"}
_FLAG: Schema = {"type": "boolean"}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_NUMBER: Schema = {"type": ["integer", "null"]}
_LINE: Schema = {"type": ["integer", "null"], "minimum": 1, "description": "A line of the new lock."}
_TARGET: Schema = {"enum": sorted(KNOWN)}
_CPU: Schema = {"enum": list(CPU_LEVELS)}


def diff_schema() -> Schema:
    """What `provision diff --format json` prints: JSON Schema, draft 2020-12."""
    described = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "provision diff",
        "description": "What changed between two pythons.lock. A later minor may add keys; another version is another.",
    }
    summary = ("added", "removed", "changed", "unchanged", "alarms", "warnings", "notices")
    return described | _table(
        version={"const": DIFF_VERSION},
        file={**_TEXT, "description": "The path of the new lock."},
        old=_side(),
        new=_side(),
        different=_FLAG,
        summary=_table(**dict.fromkeys(summary, _COUNT)),
        notices=_list(_notice()),
        entries=_list(_entry()),
        details=_list(_details()),
    )


def _side() -> Schema:
    version: Schema = {"anyOf": [_matching(LOCK_VERSION), {"type": "null"}], "description": "null: there is no lock."}
    return _named({"label": _TEXT, "lock-version": version})


def _notice() -> Schema:
    return _table(
        severity={"enum": list(SEVERITIES)},
        kind={"enum": list(get_args(NoticeKind))},
        entry=_TEXT,
        assets=_list(_table(target=_TARGET, cpu=_CPU)),
        line=_LINE,
        message=_TEXT,
    )


def _entry() -> Schema:
    direction: Schema = {"enum": [*get_args(Direction), None]}
    return _named(
        {
            "name": _matching(NAME),
            "kind": {"enum": list(get_args(Kind))},
            "line": _LINE,
            "aspects": _aspects(),
            "request-changed": _FLAG,
            "version-direction": direction,
            "build-direction": direction,
            "size-delta": _NUMBER,
            "old": _or_null(_python()),
            "new": _or_null(_python()),
            "assets": _list(_asset_change()),
        }
    )


def _python() -> Schema:
    return _named(
        {
            "request": _matching(f"sha256:{SHA256}"),
            "implementation": {"enum": list(IMPLEMENTATIONS)},
            "version": _TEXT,
            "build": _matching(BUILD),
            "build-options": _list({"enum": list(OPTIONS)}),
            "flavor": {"enum": list(FLAVORS)},
            "bytecode": _FLAG,
            "externally-managed": _FLAG,
            "without": _list({"enum": list(SLIMS)}),
        }
    )


def _asset_change() -> Schema:
    asset = _named(
        {
            "build-options": _list({"enum": list(OPTIONS)}),
            "url": _TEXT,
            "sha256": _matching(SHA256),
            "size": {"type": ["integer", "null"], "minimum": 0},
            "published": {"anyOf": [_matching(PUBLISHED), {"type": "null"}]},
        }
    )
    return _named(
        {
            "target": _TARGET,
            "cpu": _CPU,
            "kind": {"enum": list(get_args(Kind))},
            "line": _LINE,
            "aspects": _aspects(),
            "size-delta": _NUMBER,
            "old": _or_null(asset),
            "new": _or_null(asset),
        }
    )


def _details() -> Schema:
    folder = _table(folder=_TEXT, added=_COUNT, removed=_COUNT, changed=_COUNT, examples=_list(_TEXT))
    return _named(
        {
            "entry": _TEXT,
            "place": _TEXT,
            "missing": {"type": ["string", "null"], "description": "Why the trees could not be compared."},
            "size-delta": {"type": "integer"},
            "libraries": _list(_table(library=_TEXT, old=_TEXT, new=_TEXT)),
            "folders": _list(folder),
        }
    )


def _aspects() -> Schema:
    return {**_list({"enum": list(get_args(Aspect))}), "description": "What differs."}


def _matching(pattern: str) -> Schema:
    return {"type": "string", "pattern": f"^(?:{pattern})$"}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _table(**properties: Schema) -> Schema:
    return _named(properties)


def _named(properties: dict[str, Schema]) -> Schema:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
