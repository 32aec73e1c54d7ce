"""Messages are written by the rules of docs/wording.md, as far as a program can tell."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import provision

PACKAGE = Path(provision.__file__).parent
# What the glossary of docs/wording.md has another term for.
_NOT_USED = re.compile(
    r"\b(asked for|asks? for|any more|none there is|what there is|nobody|somebody|thrown out|put back|puts .* back"
    r"|take .* back|makes no sense|does not answer|as it is asked|archives? of one's own|of its own|no valid)\b",
    re.IGNORECASE,
)


class Text(NamedTuple):
    """A string of the source: `words` has ``{}`` for what a run fills in."""

    where: str
    words: str


def _words(node: ast.expr) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = _words(node.left), _words(node.right)
        return None if left is None else left + (right or "{}")
    return None


def _sources() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        yield path.relative_to(PACKAGE).as_posix(), ast.parse(path.read_text("utf-8"))


def _calls() -> Iterator[tuple[str, ast.Call]]:
    for name, tree in _sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                yield f"{name}:{node.lineno}", node


def _errors() -> Iterator[Text]:
    """The messages of errors that a user sees."""
    for where, call in _calls():
        called = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        if called.endswith("Error") and called not in _INTERNAL and call.args and (words := _words(call.args[0])):
            yield Text(where, words)


def _keywords(*names: str) -> Iterator[Text]:
    for where, call in _calls():
        for keyword in call.keywords:
            if keyword.arg in names and (words := _words(keyword.value)):
                yield Text(where, words)


def _all_strings() -> Iterator[Text]:
    """Every string but docstrings and regular expressions."""
    for name, tree in _sources():
        documentation = {
            id(node.value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        }
        inner = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
        for node in ast.walk(tree):
            if isinstance(node, ast.expr) and id(node) not in documentation | inner and (words := _words(node)):
                yield Text(f"{name}:{node.lineno}", words)


_INTERNAL = {"ValueError", "KeyError", "TypeError", "OSError", "TimeoutError", "NotImplementedError", "TransferError"}
HINTS = sorted(set(_keywords("hint")))
ERRORS = sorted(set(_errors()))


def test_messages_are_found() -> None:
    """Otherwise the tests below would check nothing."""
    assert len(ERRORS) > 150
    assert len(HINTS) > 80


def test_errors_begin_in_lower_case_and_end_without_a_full_stop() -> None:
    wrong = [text for text in ERRORS if re.match(r"[A-Z][a-z]+ ", text.words) or text.words.endswith((".", "!"))]
    assert [text for text in wrong if not text.words.startswith(_NAMES)] == []


_NAMES = ("CPython ", "Windows ", "Typer ", "GitHub ", "Python ", "PyPy ")


def test_reasons_of_the_system_are_worded_in_one_place() -> None:
    """No message has an `OSError` as the system words it, in which there are numbers and paths a second time."""
    for name, tree in _sources():
        for handler in ast.walk(tree):
            if not isinstance(handler, ast.ExceptHandler) or handler.type is None or name == "errors.py":
                continue
            caught = {node.id for node in ast.walk(handler.type) if isinstance(node, ast.Name)}
            if "OSError" not in caught:
                continue
            for node in ast.walk(handler):
                shown = node.value if isinstance(node, ast.FormattedValue) else None
                assert not (isinstance(shown, ast.Name) and shown.id == handler.name), f"{name}:{handler.lineno}"
                words = isinstance(node, ast.Attribute) and node.attr == "strerror"
                assert not words or name == "store/directory_links.py", f"{name}:{handler.lineno}"


def test_hints_are_sentences() -> None:
    def is_sentence(words: str) -> bool:
        return bool(re.match(r"[A-Z`{'\"(]", words)) and words.rstrip().endswith((".", "}", "`", "?", ":", " "))

    assert [text for text in HINTS if not is_sentence(text.words)] == []


def test_no_text_uses_words_that_the_glossary_replaces() -> None:
    assert [text for text in sorted(set(_all_strings())) if _NOT_USED.search(text.words)] == []


@pytest.mark.parametrize("sentence", ["3.13 is asked for", "no project needs it any more", "nobody vouches for it"])
def test_words_that_the_glossary_replaces_are_found(sentence: str) -> None:
    assert _NOT_USED.search(sentence)
