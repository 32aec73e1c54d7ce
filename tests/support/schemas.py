"""The JSON schemas of ``schemas/``, as tests use them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

SCHEMAS = Path(__file__).parents[2] / "schemas"


def read_schema(name: str) -> dict[str, Any]:
    """``read_schema("pythons-lock")``."""
    schema: dict[str, Any] = json.loads((SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8"))
    return schema


def check_document(command: str, document: object) -> None:
    """Fail unless a document is as the schema of the command says: ``check_document("catalog-list", …)``."""
    import jsonschema

    jsonschema.Draft202012Validator(read_schema(f"output-{command}")).validate(document)
