"""The JSON schemas of what commands print with ``--json``: a schema per command, and one of failures.

``pytest --update-golden tests/tools/test_output_schemas.py`` writes them to ``schemas/``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provision.attest.signer import AttestationProblem, VerificationLevel
from provision.review.codes import FindingSeverity
from provision.review.findings import AdvisoriesJudged
from provision.store.hashing import DifferenceKind
from provision.store.needs import State as NeedState
from provision.workflows.doctor_places import State as CheckState
from provision.workflows.list import State as EntryState
from tools.output_keys import described

Schema = dict[str, Any]

# Commands without one here: `diff` has `schemas/pythons-diff.schema.json`, `schema` prints a schema, and `run` prints
# no document but that of a failure.
ELSEWHERE = ("diff", "schema", "run")

_TEXT: Schema = {"type": "string"}
_FLAG: Schema = {"type": "boolean"}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_DAY: Schema = {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}
_SHA256: Schema = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_DIGEST: Schema = {"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"}
_OBJECT: Schema = {"type": "object"}


def _maybe(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _many(schema: Schema) -> Schema:
    return {"type": "array", "items": schema}


def _map(schema: Schema) -> Schema:
    return {"type": "object", "additionalProperties": schema}


def _one_of(*words: str) -> Schema:
    return {"enum": list(words)}


def _when(when: str, schema: Schema) -> Schema:
    """One of the documents of a command: with which option or argument the command prints it."""
    return {"title": when, **schema}


def _words(literal: Any) -> Schema:
    """The values of a ``Literal``."""
    return _one_of(*literal.__args__)


def _object(keys: Mapping[str, Schema]) -> Schema:
    """An object with these keys and no others; those that end in ``?`` may be missing."""
    return {
        "type": "object",
        "properties": {key.rstrip("?"): schema for key, schema in keys.items()},
        "required": [key for key in keys if not key.endswith("?")],
        "additionalProperties": False,
    }


def _document(**keys: Schema) -> Schema:
    return _object({"version": {"const": 1}, **{key.replace("_", "-"): schema for key, schema in keys.items()}})


_ERROR = _object(
    {
        "exit-code": {"type": "integer", "minimum": 1, "maximum": 255},
        "errors": _many(
            _object(
                {
                    "kind": _one_of(
                        "usage", "manifest", "catalog", "resolution", "store", "timeout", "lock", "integrity", "policy",
                        "network", "interrupted", "terminated", "failure",
                    ),
                    "message": _TEXT,
                    "hint": _maybe(_TEXT),
                    "file": _maybe(_TEXT),
                    "line": _maybe(_COUNT),
                    "column": _maybe(_COUNT),
                    "key": _maybe(_TEXT),
                }
            )
        )
        | {"minItems": 1},
    }
)  # fmt: skip
_BUILD: dict[str, Schema] = {
    "implementation": _TEXT,
    "version": _TEXT,
    "build": _TEXT,
    "build-options": _many(_TEXT),
    "flavor": _TEXT,
}
_LEFT_OUT = _many(_object({"name": _TEXT, "target": _TEXT}))
_SELECTED: dict[str, Schema] = {"name": _TEXT, "key": _TEXT, "target": _TEXT, "cpu": _TEXT}
_ASSET = _object(
    {
        "name": _TEXT,
        **_BUILD,
        "target": _TEXT,
        "cpu": _TEXT,
        "url": _TEXT,
        "sha256": _TEXT,
        "size": _maybe(_COUNT),
        "published": _maybe(_TEXT),
    }
)
_BUNDLE: dict[str, Schema] = {
    "bundle": _TEXT,
    "index": _SHA256,
    "lock": _SHA256,
    "since": _maybe(_SHA256),
    "attestations": _COUNT,
}
_BUNDLED: dict[str, Schema] = {
    "sha256": _SHA256,
    "size": _COUNT,
    "file": _TEXT,
    "target": _TEXT,
    "cpu": _TEXT,
    "title": _TEXT,
}
_BUNDLE_DOCUMENT = _document(**_BUNDLE, archives=_many(_object({**_BUNDLED, "left-out": _FLAG})))
_PLAN: dict[str, Schema] = {
    "lock": _DIGEST,
    "empty": _FLAG,
    "actions": _many(
        {
            "anyOf": [
                _object({"action": {"const": "keep"}, **_SELECTED}),
                _object(
                    {
                        "action": {"const": "install"},
                        **_SELECTED,
                        "names": _many(_TEXT),
                        "cached": _FLAG,
                        "damaged": _FLAG,
                        "url": _TEXT,
                        "sha256": _TEXT,
                        "size": _maybe(_COUNT),
                    }
                ),
                _object({"action": {"const": "link"}, **_SELECTED, "previous": _maybe(_TEXT)}),
                _object({"action": {"const": "unlink"}, "name": _TEXT}),
                _object({"action": {"const": "remove"}, "key": _TEXT}),
            ]
        }
    ),
    "left-out": _LEFT_OUT,
    "summary": _object(
        dict.fromkeys(("keep", "install", "link", "unlink", "remove", "downloads", "download-bytes"), _COUNT)
        | {"downloads-of-unknown-size": _COUNT}
    ),
}
_LIST: dict[str, Schema] = {
    "manifest": _TEXT,
    "pythons": _many(
        _object(
            {
                "name": _TEXT,
                "request": _TEXT,
                "state": _words(EntryState),
                "reason": _maybe(_TEXT),
                **{key: _maybe(schema) for key, schema in _BUILD.items()},
                "target": _maybe(_TEXT),
                "cpu": _maybe(_TEXT),
                "key": _maybe(_TEXT),
                "verification?": _words(VerificationLevel),
                "executable": _maybe(_TEXT),
            }
        )
    ),
}
_MIRROR = _object(
    {
        "version": {"const": 1},
        "mirror": _TEXT,
        "archives": _many(
            _object(
                {
                    "names": _many(_TEXT),
                    "target": _TEXT,
                    "cpu": _TEXT,
                    "file": _TEXT,
                    "sha256": _TEXT,
                    "size": _maybe(_COUNT),
                    "state": _one_of("present", "missing", "mismatch", "pushed", "failed"),
                }
            )
        ),
        "others?": _COUNT,
        "error?": _ERROR,
    }
)
_NEEDED = _many(
    _object(
        {
            "key": _TEXT,
            "size-bytes": _maybe(_COUNT),
            "needed-by": _many(
                _object(
                    {
                        "kind": _one_of("manifest", "environment"),
                        "path": _TEXT,
                        "state": _words(NeedState),
                        "until": _maybe(_DAY),
                    }
                )
            ),
        }
    )
)
_ADVISORY = _object(
    {
        "id": _TEXT,
        "aliases": _many(_TEXT),
        "severity": _TEXT,
        "component": _TEXT,
        "version": _TEXT,
        "fixed-in": _many(_TEXT),
        "fixing-build": _maybe(_TEXT),
        "database": _TEXT,
        "modified": _maybe(_TEXT),
    }
)
_FINDING: dict[str, Schema] = {
    "code": {"type": "string", "pattern": "^PV[0-9]{3}$"},
    "name": _TEXT,
    "gravity": _words(FindingSeverity),
    "entry": _maybe(_TEXT),
    "place": _maybe(_TEXT),
    "file": _TEXT,
    "line": _COUNT,
    "url": _maybe(_TEXT),
    "message": _TEXT,
    "fix": _TEXT,
    "advisory": _maybe(_ADVISORY),
}
_ADOPTED = _document(
    manifest=_TEXT,
    written=_FLAG,
    entries=_many({"type": "object", "properties": {"name": _TEXT}, "required": ["name"]}),
    files=_many(_TEXT),
    found=_many(
        _object(
            {
                "file": _TEXT,
                "line": _maybe(_COUNT),
                "setting": _maybe(_TEXT),
                "text": _TEXT,
                "request": _TEXT,
                "entry": _maybe(_TEXT),
            }
        )
    ),
    conflicts=_many(_TEXT),
    warnings=_many(_TEXT),
)
_EDITED = _object(
    {
        "version": {"const": 1},
        "manifest": _TEXT,
        "name": _TEXT,
        "warnings": _many(_TEXT),
        "locks?": _object({"version": _TEXT, "build": _TEXT, "targets": _many(_TEXT)}),
    }
)
_FETCHED = _object(
    {
        "asset": _TEXT,
        "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
        "source": _maybe(_TEXT),
        "bytes": _COUNT,
        "requests": _COUNT,
        "retries": _COUNT,
        "seconds": _map({"type": "number", "minimum": 0}),
    }
)
_LOCKED = _document(
    lock=_TEXT,
    changed=_FLAG,
    entries=_many(_object({"name": _TEXT, **_BUILD, "targets": _many(_TEXT)})),
    notes=_many(_TEXT),
)
_CHECKED = _document(lock=_TEXT, fresh=_FLAG, stale=_many(_object({"name": _TEXT, "reason": _TEXT})))
_AUDIT = _document(
    file=_TEXT,
    manifest=_maybe(_TEXT),
    policy=_maybe(_TEXT),
    advisories=_words(AdvisoriesJudged),
    catalog_as_of=_maybe(_TEXT),
    summary=_object(dict.fromkeys(("entries", "rows", "errors", "warnings", "notes", "ignored"), _COUNT)),
    verification=_map(_words(VerificationLevel)),
    findings=_many(_object(_FINDING)),
    ignored=_many(_object({**_FINDING, "reason": _TEXT})),
)

_COMMANDS: dict[str, Schema] = {
    "init": _ADOPTED,
    "import": _ADOPTED,
    "add": _EDITED,
    "remove": _EDITED,
    "lock": {"anyOf": [_when("without `--check`", _LOCKED), _when("with `--check`", _CHECKED)]},
    "plan": _object({"version": {"const": 1}, **_PLAN}),
    "sync": _object(
        {
            "version": {"const": 1},
            **_PLAN,
            "installed": _many(_object({"key": _TEXT, "tree-digest": _DIGEST, "probed": _TEXT, "notes": _many(_TEXT)})),
            "relocked": _FLAG,
            "not-linked": _maybe(_TEXT),
            "assets": _many(_FETCHED),
        }
    ),
    "prefetch": _object({"version": {"const": 1}, "assets": _many(_FETCHED), "left-out": _LEFT_OUT}),
    "list": _object({"version": {"const": 1}, **_LIST}),
    "status": _object(
        {
            "version": {"const": 1},
            **_LIST,
            "newer": _map(_TEXT),
            "additions": _map(_TEXT),
            "ended": _map(_DAY),
            "removable": _many(_TEXT),
            "cached-bytes": _COUNT,
            "catalog-as-of": _maybe(_TEXT),
            "unchecked-reason": _maybe(_TEXT),
        }
    ),
    "which": _document(name=_TEXT, executable=_TEXT, tree=_TEXT, key=_TEXT),
    "env": _document(path=_TEXT, shell=_TEXT, code=_TEXT),
    "verify": _object(
        {
            "version": {"const": 1},
            "sound": _FLAG,
            "trees": _many(
                _object(
                    {
                        "names": _many(_TEXT),
                        "key": _TEXT,
                        "installed": _FLAG,
                        "sound": _FLAG,
                        "repaired": _FLAG,
                        "tree-digest": _maybe(_DIGEST),
                        "differences": _many(_object({"path": _TEXT, "kind": _words(DifferenceKind)})),
                        "unchecked": _many(_TEXT),
                        "unchecked-reason": _maybe(_TEXT),
                    }
                )
            ),
            "left-out": _LEFT_OUT,
            "error?": _ERROR,
        }
    ),
    "bundle-create": _BUNDLE_DOCUMENT,
    "bundle-verify": _BUNDLE_DOCUMENT,
    "bundle-diff": _document(
        old=_object(_BUNDLE),
        new=_object(_BUNDLE),
        added=_many(_object(_BUNDLED)),
        removed=_many(_object(_BUNDLED)),
        added_bytes=_COUNT,
    ),
    "prune": _document(
        dry_run=_FLAG,
        removed=_many(_TEXT),
        busy=_many(_TEXT),
        freed_bytes=_COUNT,
        kept=_NEEDED,
        damaged_roots=_many(_TEXT),
    ),
    "roots": _document(trees=_NEEDED, damaged_roots=_many(_TEXT)),
    "cache-dir": _document(cache=_TEXT),
    "cache-size": _document(archives_bytes=_COUNT),
    "cache-clean": _document(freed_bytes=_COUNT),
    "catalog-update": _document(
        sources=_many(
            _object(
                {
                    "outcome": _TEXT,
                    "origin": _TEXT,
                    "as-of": _maybe(_TEXT),
                    "assets": _COUNT,
                    "new": _COUNT,
                    "gone": _COUNT,
                }
            )
        ),
        advisories=_many(
            _object({"name": _TEXT, "outcome": _TEXT, "origin": _TEXT, "as-of": _maybe(_TEXT), "count": _COUNT})
        ),
    ),
    "catalog-list": _document(assets=_many(_ASSET), left_out=_COUNT),
    "catalog-page": _object(
        {
            "version": {"const": 1},
            "date": _maybe(_DAY),
            "assets": _COUNT,
            "builds": _COUNT,
            "file?": _TEXT,
            "text?": _TEXT,
        }
    ),
    "catalog-show": {
        "anyOf": [
            _when("of an archive", _document(asset=_ASSET)),
            _when(
                "of a build",
                _document(
                    release=_object(
                        {
                            "build": _TEXT,
                            "published": _maybe(_TEXT),
                            "versions": _many(_TEXT),
                            "assets": _COUNT,
                            "no-longer-listed": _COUNT,
                            "sources": _many(_TEXT),
                            "complete": _FLAG,
                            "text": _TEXT,
                        }
                    )
                ),
            ),
        ]
    },
    "audit": _AUDIT,
    "outdated": {
        "anyOf": [
            _when(
                "without `--security`",
                _document(
                    catalog_as_of=_maybe(_TEXT),
                    pythons=_many(
                        _object(
                            {
                                "name": _TEXT,
                                "locked": _TEXT,
                                "newest-allowed": _TEXT,
                                "newest": _TEXT,
                                "outdated": _FLAG,
                                "in-cooldown": _maybe(_object({"build": _TEXT, "until": _maybe(_TEXT)})),
                                "end-of-life": _maybe(_DAY),
                                "ended": _FLAG,
                                "additions": _maybe(_TEXT),
                                "custom": _FLAG,
                                "reason": _maybe(_TEXT),
                            }
                        )
                    ),
                ),
            ),
            _when(
                "with `--security`",
                _document(
                    catalog_as_of=_maybe(_TEXT),
                    updates=_many(
                        _object(
                            {
                                "name": _TEXT,
                                "locked": _TEXT,
                                "newest-allowed": _TEXT,
                                "target": _TEXT,
                                "advisory": _maybe(_ADVISORY),
                            }
                        )
                    ),
                    unfixed=_COUNT,
                    unjudged=_COUNT,
                    unjudged_builds=_many(_TEXT),
                    gaps=_many(_TEXT),
                ),
            ),
        ]
    },
    "explain": _document(
        name=_TEXT,
        asked=_TEXT,
        locked=_FLAG,
        python=_object(
            {
                **_BUILD,
                "assets": _many(
                    _object(
                        {"target": _TEXT, "cpu": _TEXT, "build-options": _many(_TEXT), "url": _TEXT, "sha256": _TEXT}
                    )
                ),
            }
        ),
        steps=_many(_object({"asked": _TEXT, "assets": _COUNT})),
        reasons=_many(_TEXT),
        newer=_many(_TEXT),
        warnings=_many(_TEXT),
    ),
    "attest": _document(
        lock=_TEXT,
        changed=_FLAG,
        archives=_many(
            _object(
                {
                    "name": _TEXT,
                    "target": _TEXT,
                    "cpu": _TEXT,
                    "sha256": _SHA256,
                    "verification": _words(VerificationLevel),
                    "problem": _maybe(_words(AttestationProblem)),
                    "message": _maybe(_TEXT),
                    **dict.fromkeys(("identity", "issuer", "commit"), _maybe(_TEXT)),
                    "repository-id": _maybe(_COUNT),
                    "bundle": _maybe(_SHA256),
                    "log-index": _maybe(_COUNT),
                }
            )
        ),
    ),
    "sbom": {
        "anyOf": [
            _when("with `--format cyclonedx`", {"type": "object", "required": ["bomFormat", "specVersion"]}),
            _when("with `--format spdx`", {"type": "object", "required": ["spdxVersion"]}),
            _when("with `--beside-receipts`", _document(files=_many(_TEXT))),
        ]
    },
    "feed": _object(
        {
            "releases": _many(_object({"version": _TEXT, "isStable": _FLAG, "releaseTimestamp?": _TEXT})),
            "sourceUrl?": _TEXT,
            "homepage?": _TEXT,
        }
    ),
    "licenses": _document(
        pythons=_many(
            _object(
                {
                    "name": _TEXT,
                    "components": _many(
                        _object(
                            {
                                "name": _TEXT,
                                "version": _TEXT,
                                "license": _maybe(_TEXT),
                                "source": _maybe(_TEXT),
                                "targets": _many(_TEXT),
                            }
                        )
                    ),
                }
            )
        )
    ),
    "export": _object(
        {
            "version": {"const": 1},
            "format": _TEXT,
            "archives": _COUNT,
            "left-out": _many(_object({"name": _TEXT, "target": _TEXT, "cpu": _TEXT, "reason": _TEXT})),
            "file?": _TEXT,
            "text?": _TEXT,
        }
    ),
    **{f"mirror-{action}": _MIRROR for action in ("push", "check", "list")},
    "image": _document(
        digest=_DIGEST,
        media_type=_TEXT,
        places=_many(_TEXT),
        platforms=_many(
            _object(
                {
                    "platform": _TEXT,
                    "target": _TEXT,
                    "digest": _DIGEST,
                    "names": _many(_TEXT),
                    "layers": _many(
                        _object(
                            {
                                "digest": _DIGEST,
                                "diff-id": _DIGEST,
                                "media-type": _TEXT,
                                "size": _COUNT,
                                "content": _TEXT,
                            }
                        )
                    ),
                    "left-out": _many(_TEXT),
                }
            )
        ),
    ),
    "register": _document(
        removed=_FLAG,
        pythons=_many(_object({"name": _TEXT, "company": {"const": "provision"}, "tag": _TEXT})),
        gone=_many(_TEXT),
    ),
    "pack": _document(archive=_TEXT, catalog=_TEXT, row=_OBJECT, warnings=_many(_TEXT)),
    "pre-commit": _object(
        {
            "version": {"const": 1},
            "projects": _many({"anyOf": [_LOCKED, _CHECKED, _AUDIT]}),
            "error?": _ERROR,
        }
    ),
    "hook": _document(shell=_TEXT, code=_TEXT),
    "trust": {
        "anyOf": [
            _when("of one project", _document(directory=_TEXT, trusted=_FLAG)),
            _when("with `--list`", _document(projects=_many(_object({"directory": _TEXT, "current": _FLAG})))),
        ]
    },
    "doctor": _document(
        problems=_COUNT,
        notes=_COUNT,
        checks=_many(
            _object({"subject": _TEXT, "state": _words(CheckState), "text": _TEXT, "hint": _maybe(_TEXT)})
        ),
    ),
}  # fmt: skip


def output_schemas() -> dict[str, Schema]:
    """The schemas, draft 2020-12, by the names that `provision schema` takes."""
    commands = {
        f"output-{name}": _titled(f"the document of `provision {_words_of(name)} --json`", described(schema, name))
        for name, schema in _COMMANDS.items()
    }
    document = described(_document(error=_ERROR), "output-error")
    failure = _titled("the document of a command that failed, with `--json`", document)
    return {**commands, "output-error": failure}


def _words_of(name: str) -> str:
    return name if name == "pre-commit" else name.replace("-", " ")


def _titled(title: str, schema: Schema) -> Schema:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        "description": "A later minor release may add keys; another version is another document.",
        **schema,
    }
