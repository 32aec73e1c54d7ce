"""Failures as JSON documents, where `--json` is on the command line."""

from __future__ import annotations

from collections.abc import Sequence

from provision.cli.plain import VALUE_OPTIONS
from provision.errors import ProvisionError, SeveralErrors

Document = dict[str, object]
_OPTIONAL = ("hint", "file", "line", "column", "key")


def json_requested(argv: Sequence[str]) -> bool:
    """Whether ``--json`` is an option of provision there, whatever else Typer refuses; not of what `run` runs."""
    words = list(argv[: argv.index("--")] if "--" in argv else argv)
    if words[:1] == ["run"]:
        given = iter(words[1:])
        for word in given:
            if word in VALUE_OPTIONS:  # its value is not the entry's name
                next(given, "")
            elif word == "--json" or not word.startswith("-"):
                return word == "--json"
        return False
    return "--json" in words


def error_object(error: ProvisionError) -> Document:
    """The ``error`` of a document: the exit code, and each error with its kind, place and hint."""
    errors = error.errors if isinstance(error, SeveralErrors) else (error,)
    return {"exit-code": error.exit_code, "errors": [_one(each) for each in errors]}


def failure_document(error: ProvisionError) -> Document:
    """The document of a command that failed."""
    return {"version": 1, "error": error_object(error)}


def stop_documents() -> dict[str, bytes]:
    """The text of the document for each signal that stops a command, by its message, which is also the kind."""
    import json

    documents = {}
    for message, exit_code in (("interrupted", 130), ("terminated", 143)):
        error = {"kind": message, "message": message, **dict.fromkeys(_OPTIONAL)}
        document = {"version": 1, "error": {"exit-code": exit_code, "errors": [error]}}
        documents[message] = f"{json.dumps(document, indent=2)}\n".encode()
    return documents


def _one(error: ProvisionError) -> Document:
    place = error.place
    return {
        "kind": error.kind,
        "message": error.message,
        "hint": error.hint,
        "file": error.file,
        "line": place.line if place else None,
        "column": place.column if place else None,
        "key": (place.key or None) if place else None,
    }
