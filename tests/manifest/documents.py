"""Random TOML documents with the position of each key, to compare `manifest.positions` with."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from provision.text import KeyPath

SCALARS: dict[str, object] = {
    "1": 1,
    "0x1F": 31,
    "3.14": 3.14,
    "true": True,
    '"text"': "text",
    '"# [x] = { \\" }"': '# [x] = { " }',
    "'lit # \\'": "lit # \\",
    '"""\nlines [a]\n\\" = 1 ""\n"""': 'lines [a]\n" = 1 ""\n',
    '"""ends in quotes"""""': 'ends in quotes""',
    "'''\n[b] 'x' \\\n'''": "[b] 'x' \\\n",
    "'''it''''": "it'",
    '""': "",
}
KEYS = st.sampled_from(
    ["a", "b", "c-d", "1", "_", "a b", "ä", "a.b", "", "#", "[x]", "=", "it's", 'x"y', "tab\t", "\u2028"]
)
VALUES = st.recursive(
    st.sampled_from(sorted(SCALARS)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)
DOCUMENTS = st.dictionaries(KEYS, VALUES, max_size=5)


def meaning(value: object) -> Any:
    """The value itself, where documents hold the spelling of each scalar."""
    match value:
        case str():
            return SCALARS[value]
        case list():
            return [meaning(element) for element in value]
        case dict():
            return {key: meaning(element) for key, element in value.items()}
    raise TypeError(value)


def spelled(value: object) -> Any:
    """The inverse of `meaning`, for values that scalars of any spelling do not matter for."""
    match value:
        case list():
            return [spelled(element) for element in value]
        case dict():
            return {key: spelled(element) for key, element in value.items()}
    return json.dumps(value)


class Writer:
    """Writes a document in styles drawn at random, and notes where each key and list element begins."""

    def __init__(self, data: st.DataObject) -> None:
        self._data = data
        self.text = ""
        self.offsets: dict[KeyPath, int] = {}

    def _choose(self, *words: str) -> str:
        return self._data.draw(st.sampled_from(words))

    def table(self, path: KeyPath, table: dict[str, Any]) -> None:
        """Write a table's pairs below its header, then the tables within it."""
        later = []
        for key, value in table.items():
            styles = ["inline"]
            if isinstance(value, dict):
                styles += ["header", "dotted"] if value else ["header"]
            if isinstance(value, list) and value and all(isinstance(element, dict) for element in value):
                styles += ["many"]
            style = self._choose(*styles)
            if style == "inline":
                self._pair(path, (key,), value)
            elif style == "dotted":
                for inner, element in value.items():
                    self._pair(path, (key, inner), element)
            else:
                later.append((key, value))
        for key, value in later:
            if isinstance(value, dict):
                self._header("[", (*path, key), "]")
                self.table((*path, key), value)
            else:
                for index, element in enumerate(value):
                    self._header("[[", (*path, key), "]]")
                    self.offsets.setdefault((*path, key, index), self._last)
                    self.table((*path, key, index), element)

    def _header(self, opening: str, path: KeyPath, closing: str) -> None:
        self._filler()
        self.text += self._choose("", "  ") + opening
        self._keys(path)
        self.text += closing + self._choose("\n", " # [comment]\n", "\r\n")

    def _pair(self, path: KeyPath, keys: tuple[str, ...], value: object) -> None:
        self._filler()
        self._bare_pair(path, keys, value)
        self.text += self._choose("\n", " # x = 1\n", "\t\r\n")

    def _bare_pair(self, path: KeyPath, keys: tuple[str, ...], value: object) -> None:
        self._keys((*path, *keys), skip=len(path))
        self.text += self._choose("=", " = ")
        self._value((*path, *keys), value)

    def _keys(self, path: KeyPath, skip: int = 0) -> None:
        """Write the names of a path, but for the first few, joined by dots."""
        first = True
        for length in range(skip + 1, len(path) + 1):
            key = path[length - 1]
            if isinstance(key, int):
                continue
            self.text += ("" if first else self._choose(".", " . ")) + self._choose("", " ")
            self._last = len(self.text)
            self.offsets.setdefault(path[:length], self._last)
            self.text += self._spelled(key)
            first = False

    def _spelled(self, key: str) -> str:
        spellings = [json.dumps(key)]
        if "'" not in key and "\t" not in key:
            spellings.append(f"'{key}'")
        if key and key.isascii() and key.replace("-", "").replace("_", "a").isalnum():
            spellings.append(key)
        return self._choose(*spellings)

    def _value(self, path: KeyPath, value: object) -> None:
        match value:
            case str():
                self.text += value
            case list():
                self.text += "["
                for index, element in enumerate(value):
                    self.text += ("," if index else "") + self._choose("", " ", "\n  ", " # , ]\n")
                    self.offsets[*path, index] = len(self.text)
                    self._value((*path, index), element)
                self.text += self._choose("]", ",\n]", " ]") if value else "]"
            case dict():
                self.text += "{"
                for index, (key, element) in enumerate(value.items()):
                    self.text += ("," if index else "") + self._choose("", " ")
                    self._bare_pair(path, (key,), element)
                self.text += self._choose("}", " }")

    def _filler(self) -> None:
        self.text += self._choose("", "", "\n", "# a = [\n", "  \r\n\n")
