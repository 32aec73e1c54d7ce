"""Files of other tools: read or refused, never executed; what is read becomes a manifest that can be read back."""

from __future__ import annotations

from pathlib import Path

from hypothesis import strategies as st

from fuzz.laws import soon
from fuzz.mutations import mutated
from fuzz.target import Target
from fuzz.texts import documents
from provision.adopt.entries import combine
from provision.adopt.files import known_names, load_reader, reader_of
from provision.adopt.mention import Reading
from provision.errors import ManifestError
from provision.manifest.edit import add_entry, manifest_head
from provision.manifest.read import parse_manifest
from provision.model.version import Version
from provision.text import plain_lines

_REPOSITORIES = Path(__file__).parents[2] / "tests" / "adopt" / "repositories"
_NAMES = tuple(name.replace("*", "x") for name in known_names())
_KNOWN = {"cpython": [Version.parse(text) for text in ("3.14.2", "3.13.5", "3.12.11", "3.12.5", "3.11.9", "3.9.1")]}
_PIECES = [
    "3.12", "3.12.5", "py312", "py{311,312}", "pypy3.10-7.3.15", "^3.11", ">=3.9,<4", "latest", "system", "3.13t",
    "[tox]\n", "[testenv:a]\n", "envlist = ", "basepython = python3.12\n", "[tools]\n", "python = ", '"3.12"',
    "[[tools.python]]\n",
    "[project]\n", "requires-python = ", "[tool.hatch.envs.a]\n", "[[tool.hatch.envs.a.matrix]]\n", "[tool.tox]\n",
    "env_list = [", "{ product = [[", "]] }", "]\n", "FROM ", "python:3.12\n", "ARG V=3\n", "$V", "${V}", "\\\n",
    "import nox\n", "@nox.session(python=", ")\n", "def a(s): ...\n", "P = [", "*P", "P[0]", "jobs:\n", "  a:\n",
    "    steps:\n", "      - uses: actions/setup-python@v6\n", "        with: { python-version: ", "}\n", "&a ", "*a ",
    "${{ matrix.a }}", "    strategy: { matrix: { a: [1, 2] } }\n", "python: { executable: ", "#", "\n", " ", "  ", "=",
    ":",
]  # fmt: skip


def _samples() -> list[bytes]:
    """Each file of the repositories of the tests, after the number of its reader."""
    numbers = {reader_of(Path(name)): number for number, name in enumerate(_NAMES)}
    found = []
    for path in sorted(_REPOSITORIES.glob("*.txt")):
        for part in path.read_text().split("== ")[1:]:
            name, _, text = part.partition(" ==\n")
            found.append(bytes([numbers[reader_of(Path(name))]]) + text.encode())
    return found


def check(data: bytes) -> None:
    """The first byte says which file it is."""
    name = _NAMES[(data[0] if data else 0) % len(_NAMES)]
    reading = Reading(name)
    with soon(5.0):  # PyYAML and the grammar of Python are slow
        try:
            load_reader(reader_of(Path(name)) or "")(plain_lines(data[1:].decode("utf-8", "replace")), reading)
        except (ManifestError, ValueError):
            reading.problem("cannot be read")
        combined = combine(reading.mentions, _KNOWN)
        text = manifest_head(())
        for entry in combined.entries[:20]:
            text = add_entry(text, entry.name, entry.spec, comment=entry.mentions[0].text)
    names = [request.name for request in parse_manifest(text, Path("pythons.toml")).requests]
    assert names == [entry.name for entry in combined.entries[:20]]
    assert all(mention.line is None or mention.line >= 1 for mention in reading.mentions)


_FIRST = st.sampled_from(range(len(_NAMES))).map(lambda number: bytes([number]))
TARGET = Target(
    inputs=mutated(st.sampled_from(_samples())) | st.tuples(_FIRST, documents(_PIECES, between="")).map(b"".join),
    check=check,
)
