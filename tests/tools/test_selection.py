"""The tests that other platforms run or leave out exist, by the names that the files have."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tools.platforms import selection
from tools.platforms.selection import Selection

ROOT = Path(__file__).resolve().parent.parent.parent
FILES = sorted(Path(selection.__file__).parent.glob("*.toml"))


def names(path: Path) -> set[str]:
    """The tests of a file, as node ids have them behind the path."""
    tree = ast.parse(path.read_bytes())
    found = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}::{each.name}" for each in node.body if isinstance(each, ast.FunctionDef)}
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_named_test_exists(file: Path) -> None:
    chosen = Selection.load(file)
    assert [room for room in chosen.rooms if not (ROOT / room).exists()] == []
    for test, reason in chosen.reasons.items():
        path, _, name = test.partition("::")
        assert (ROOT / path).is_file(), test
        assert not name or name in names(ROOT / path), test
        assert any(path == room or path.startswith(f"{room}/") for room in chosen.rooms), test
        assert reason


def test_a_test_is_left_out_by_its_name_or_its_file(tmp_path: Path) -> None:
    file = tmp_path / "some.toml"
    file.write_text('rooms = ["a"]\n[[left-out]]\nreason = "why"\ntests = ["a/test_b.py::test_c", "a/test_d.py"]\n')
    chosen = Selection.load(file)
    assert chosen.reason("a/test_b.py::test_c[x::y]") == chosen.reason("a/test_d.py::test_e") == "why"
    assert chosen.summary() == ["1 test: why", "1 whole file: why"]
    assert chosen.reason("a/test_b.py::test_cc") is chosen.reason("a/test_bb.py::test_c") is None
    file = tmp_path / "twice.toml"
    file.write_text('rooms = []\n[[left-out]]\nreason = "why"\ntests = ["a", "a"]\n')
    with pytest.raises(ValueError, match="a is left out twice"):
        Selection.load(file)
