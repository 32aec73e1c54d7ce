"""CONTRIBUTING.md: the files that it names exist, and each path through the code names only a few."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.package import PACKAGE

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
PATHS = re.search(r"### Four paths through the code\n(.*?)\n### ", TEXT, re.DOTALL)
MODULE = re.compile(r"`((?:[a-z_]+/)*[a-z_0-9]+\.py)`")
# The example of a first test, and what is written as an example only.
EXAMPLES = {"test_module.py"}


@pytest.mark.parametrize("name", sorted(set(MODULE.findall(TEXT)) - EXAMPLES))
def test_the_files_that_it_names_exist(name: str) -> None:
    places = (ROOT, PACKAGE.parent, PACKAGE, *(path for path in PACKAGE.iterdir() if path.is_dir()))
    assert any((place / name).is_file() for place in places), name


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`([a-z_]+(?:/[a-z_]+)*/)`", TEXT))))
def test_the_folders_that_it_names_exist(name: str) -> None:
    assert any((place / name).is_dir() for place in (ROOT, PACKAGE.parent, PACKAGE)), name


def test_each_path_through_the_code_names_at_most_eight_files() -> None:
    assert PATHS is not None
    told = [paragraph for paragraph in PATHS[1].split("\n\n") if paragraph.strip()]
    assert len(told) == 4
    assert [paragraph for paragraph in told if len(set(MODULE.findall(paragraph))) > 8] == []
