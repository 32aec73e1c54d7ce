"""Pages of the reference, made from the code: commands, keys, codes, JSON documents, environment variables."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from provision.host.variables import KNOWN_VARIABLES
from provision.review.codes import AUDIT_CODES
from tools.manual import CommandHelp, Row, command_helps
from tools.references import ROOT

Schema = Mapping[str, Any]

_VARIABLE = re.compile(r"\[env +var: ([A-Z_]+)\]")
_HEADINGS = {"Options": "Option", "Arguments": "Argument", "Commands": "Command"}


def reference_pages() -> dict[str, str]:
    """The text of each page by its path below ``reference/``."""
    pages = {f"commands/{name}.md": text for name, text in _command_pages().items()}
    pages["commands/index.md"] = _commands_page()
    pages["keys.md"] = _keys_page()
    pages["codes.md"] = _codes_page()
    pages["json.md"] = _json_page()
    pages["environment.md"] = _environment_page()
    return pages


def _groups() -> dict[str, list[CommandHelp]]:
    """The commands by their first word: `catalog` and `catalog list` are on one page."""
    groups: dict[str, list[CommandHelp]] = {}
    for command in command_helps():
        if command.words:
            groups.setdefault(command.words.split()[0], []).append(command)
    return groups


def _command_pages() -> dict[str, str]:
    return {name: "\n".join(_command_page(name, group)) for name, group in _groups().items()}


def _command_page(name: str, group: list[CommandHelp]) -> Iterator[str]:
    yield f"# provision {name}\n"
    for command in group:
        if command.words != name:
            yield f"\n## provision {command.words}\n"
        for paragraph in command.paragraphs:
            yield _paragraph(paragraph)
        yield f"```text\n{_folded(command.usage)}\n```\n"
        for title, rows in command.tables.items():
            yield from _rows(title, rows, name)


def _paragraph(text: str) -> str:
    """A paragraph of a help text; what is indented in it keeps its lines."""
    lines = text.splitlines()
    plain = [line for line in lines if not line.startswith("  ")]
    kept = [line.removeprefix("  ") for line in lines if line.startswith("  ")]
    code = "\n".join(kept)
    return f"{_escaped(' '.join(plain))}\n" + (f"\n```sh\n{code}\n```\n" if kept else "")


def _folded(usage: str) -> str:
    """A usage line in lines of at most 75 characters."""
    lines = [""]
    for word in usage.split():
        if len(lines[-1]) + len(word) > 74:
            lines.append("   ")
        lines[-1] = f"{lines[-1]} {word}" if lines[-1] else word
    return "\n".join(lines)


def _rows(title: str, rows: tuple[Row, ...], name: str) -> Iterator[str]:
    if title == "Options":
        yield "| Option | Variable | Meaning |\n|---|---|---|"
        for row in rows:
            variable = _VARIABLE.search(row.text)
            text = _VARIABLE.sub("", row.text)
            shown = f"`{variable[1]}`" if variable else ""
            yield f"| {code_in_table(row.term)} | {shown} | {_escaped(' '.join(text.split()))} |"
    else:
        yield f"| {_HEADINGS[title]} | Meaning |\n|---|---|"
        for row in rows:
            linked = f"[{row.term}](#provision-{name}-{row.term})" if title == "Commands" else code_in_table(row.term)
            yield f"| {linked} | {_escaped(row.text)} |"
    yield ""


def _commands_page() -> str:
    first = command_helps()[0]
    rows = first.tables["Commands"]
    lines = [f"| [{row.term}]({row.term}.md) | {_escaped(row.text)} |" for row in rows]
    listed = {row.term for row in rows}
    hidden = [name for name in _groups() if name not in listed]
    other = ", ".join(f"[{name}]({name}.md)" for name in hidden)
    head = "# Commands\n\nAs `provision COMMAND --help` prints them. [What they promise](../../commands.md).\n"
    tail = f"\nStarted by other programs: {other}.\n" if hidden else ""
    return f"{head}\n| Command | Does |\n|---|---|\n" + "\n".join(lines) + f"\n{tail}"


def _keys_page() -> str:
    parts = ["# Keys\n\nMade from the JSON schemas, which editors and `provision schema manifest` use.\n"]
    for title, file in (("pythons.toml", "pythons.schema.json"), ("pythons.lock", "pythons-lock.schema.json")):
        schema = json.loads((ROOT / "schemas" / file).read_text(encoding="utf-8"))
        parts.append(f"\n## {title}\n\n{schema['description']} Schema: [{file}](schemas/{file}).\n")
        parts += _tables_of(schema)
    return "\n".join(parts)


def _tables_of(schema: Schema) -> Iterator[str]:
    """A table for every object with keys, in the order of the schema."""
    for name, found in _objects(schema):
        required = set(found.get("required", ()))
        if name:
            yield f"\n### {name}\n"
        yield "| Key | Meaning | Example |\n|---|---|---|"
        for key, value in found["properties"].items():
            told = _resolved(schema, value)
            text = str(value.get("description") or told.get("description") or "")
            mark = " Required." if key in required else ""
            default = told.get("default")
            given = f" Default: {_value(default)}." if default not in (None, [], {}) else ""
            examples = value.get("examples") or told.get("examples") or ()
            shown = ", ".join(_value(example) for example in examples[:2])
            yield f"| `{key}` | {_escaped(text)}{mark}{given} | {shown} |"
        yield ""


def _objects(schema: Schema) -> Iterator[tuple[str, Schema]]:
    yield "", schema
    for name, found in schema.get("$defs", {}).items():
        if "properties" in found:
            yield name, found


def _resolved(schema: Schema, value: Schema) -> Schema:
    reference = value.get("$ref", "")
    found: Schema = schema.get("$defs", {}).get(str(reference).rpartition("/")[2], value) if reference else value
    return found


def _value(value: object) -> str:
    """A value as TOML writes it, in code."""
    text = json.dumps(value, ensure_ascii=False)
    if isinstance(value, dict):
        text = "{ " + ", ".join(f"{key} = {json.dumps(each)}" for key, each in value.items()) + " }"
    return code_in_table(text if len(text) <= 90 else f"{text[:88]}…")


def _codes_page() -> str:
    contract = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    table = contract.partition("## Exit codes\n")[2].partition("\n## ")[0].strip().partition("\n\n")[0]
    lines = [
        f"| `{rule.code}` | {rule.name} | {rule.severity} | {_escaped(rule.title)} | {_escaped(rule.fix)} |"
        for rule in AUDIT_CODES.values()
    ]
    return (
        "# Codes\n\nWhat each exit code and each finding of `provision audit` means, and what to do.\n\n"
        f"## Exit codes\n\n{table}\n\n## Findings of `provision audit`\n\n"
        "Stable: a code that is given up is never used again. [How `audit` works](../reviewing.md#codes).\n\n"
        "| Code | Name | Severity | Meaning | What to do |\n|---|---|---|---|---|\n" + "\n".join(lines) + "\n"
    )


def _json_page() -> str:
    head = (
        "# JSON documents\n\nWith `--json`, a command prints one document. This page has the keys of each document and "
        "of its parts (`entries[].name` is the key `name` of each element of `entries`), and the JSON schema, which "
        "[`provision schema`](commands/schema.md) prints as well.\n"
    )
    parts = [head]
    for path in sorted((ROOT / "schemas").glob("*.schema.json")):
        name = path.name.removesuffix(".schema.json")
        schema = json.loads(path.read_text(encoding="utf-8"))
        if name in {"pythons", "pythons-lock"}:
            continue
        words = "diff" if name == "pythons-diff" else name.removeprefix("output-")
        title = (
            "Failures" if words == "error" else f"provision {words.replace('-', ' ', 1) if _is_group(words) else words}"
        )
        parts.append(f"\n## {title}\n\nSchema: [{path.name}](schemas/{path.name}).\n")
        for document in schema.get("anyOf", [schema]):
            if "anyOf" in schema:
                parts.append(f"The document {document['title']}:\n")
            rows = [f"| {code_in_table(key)} | {kind} | {doc} |" for key, kind, doc in document_keys(document)]
            parts.append(
                "\n".join(["| Key | Value | Meaning |\n|---|---|---|", *rows, ""])
                if rows
                else "As that format defines it.\n"
            )
    return "\n".join(parts)


def document_keys(schema: Schema, prefix: str = "") -> Iterator[tuple[str, str, str]]:
    """Each key of a JSON document and of its parts, with what its value is, and what it means."""
    for key, value in schema.get("properties", {}).items():
        path = f"{prefix}{key}"
        kind = _kind(value) + ("" if key in schema.get("required", ()) else "; may be missing")
        yield path, kind, value["description"].replace("|", "\\|")
        yield from _keys_of_parts(value, path)


def _keys_of_parts(value: Schema, path: str) -> Iterator[tuple[str, str, str]]:
    if "anyOf" in value:
        kinds: dict[str, dict[str, None]] = {}
        docs: dict[str, str] = {}
        for each in value["anyOf"]:
            for key, kind, doc in _keys_of_parts(each, path):
                kinds.setdefault(key, {})[kind] = None
                docs.setdefault(key, doc)
        yield from ((key, ", ".join(found), docs[key]) for key, found in kinds.items())
    elif "items" in value:
        yield from _keys_of_parts(value["items"], f"{path}[]")
    elif isinstance(value.get("additionalProperties"), dict):
        yield from _keys_of_parts(value["additionalProperties"], f"{path}.*")
    else:
        yield from document_keys(value, f"{path}.")


def _kind(value: Schema) -> str:
    """What a value of a JSON document is, in words."""
    if "anyOf" in value:
        return " or ".join(dict.fromkeys(_kind(each) for each in value["anyOf"]))
    if "enum" in value or "const" in value:
        return ", ".join(code_in_table(json.dumps(each)) for each in value.get("enum", [value.get("const")]))
    if "items" in value:
        return f"list: {_kind(value['items'])}"
    types = value.get("type", "any value")
    names = {"boolean": "`true` or `false`", "null": "`null`", "string": "text"}
    return " or ".join(names.get(each, each) for each in ([types] if isinstance(types, str) else types))


def _is_group(words: str) -> bool:
    first, dash, _ = words.partition("-")
    return bool(dash) and len(_groups().get(first, ())) > 1


def _environment_page() -> str:
    contract = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    section = contract.partition("## Environment\n")[2].partition("\n## ")[0]
    meanings: dict[str, str] = {}
    for names, text in re.findall(r"^\| (`PROVISION_.*?) \| (.*) \|$", section, re.MULTILINE):
        for name in re.findall(r"PROVISION_[A-Z_]+", names):
            meanings[name] = text.replace("](", "](../")
    options: dict[str, dict[str, None]] = {}
    helps: dict[str, str] = {}
    for command in command_helps():
        for row in command.tables.get("Options", ()):
            if variable := _VARIABLE.search(row.text):
                options.setdefault(variable[1], {})[row.term] = None
                helps.setdefault(variable[1], " ".join(_VARIABLE.sub("", row.text).split()))
    for name, text in helps.items():  # the contract may name no more than the option
        if alone := re.fullmatch(r"`--[a-z-]+`(?:; (.*))?", meanings.get(name, "")):
            more = f" {alone[1][0].upper()}{alone[1][1:]}." if alone[1] else ""
            meanings[name] = _escaped(text.replace(" (repeatable)", "")) + more
    lines = [
        f"| `{name}` | {meanings.get(name, '')} | {', '.join(map(code_in_table, options.get(name, ())))} |"
        for name in sorted(KNOWN_VARIABLES)
    ]
    return (
        "# Environment variables\n\n"
        "What each `PROVISION_…` variable does, and which option it stands for. "
        "Flags are `1`, `true`, `yes`, `on`, or `0`, `false`, `no`, `off`. More on proxies, certificates and tokens: "
        "[the contract](../commands.md#environment).\n\n"
        "| Variable | Meaning | Option |\n|---|---|---|\n" + "\n".join(lines) + "\n"
    )


def code_in_table(text: str) -> str:
    """Text in code, inside of a table: Zensical shows the backslash of ``\\|`` in backticks."""
    if "|" not in text:
        return f"`{text}`"
    for plain, entity in (("&", "&amp;"), ("<", "&lt;"), ("|", "&#124;")):
        text = text.replace(plain, entity)
    return f"<code>{text}</code>"


def _escaped(text: str) -> str:
    """Text in Markdown, inside of a table: without raw HTML, links or columns."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(
        code_in_table(part.strip("`"))
        if part.startswith("`")
        else re.sub(r"([<\[\]*_|])", r"\\\1", part).replace("--", "&#45;&#45;")
        for part in parts
    )
