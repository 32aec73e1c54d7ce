"""The recipes of docs/fleet.md: well-formed, and with options and variables that exist."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from provision.cli.plain import read_line
from provision.host.variables import KNOWN_VARIABLES

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "fleet.md").read_text()


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


@pytest.mark.parametrize(
    ("language", "parse"), [("yaml", yaml.safe_load), ("json", json.loads), ("toml", tomllib.loads)]
)
def test_blocks_can_be_parsed(language: str, parse: Callable[[str], object]) -> None:
    blocks = _blocks(language)
    assert blocks
    assert all(parse(block) for block in blocks)


def test_variables_are_those_of_provision() -> None:
    assert set(re.findall(r"PROVISION_[A-Z_]+", TEXT)) <= set(KNOWN_VARIABLES)


def test_the_lines_of_sync_in_recipes_are_read() -> None:
    (daemon,) = (block for block in _blocks("yaml") if "DaemonSet" in block)
    (container,) = yaml.safe_load(daemon)["spec"]["template"]["spec"]["initContainers"]
    line = read_line(container["command"][1:])
    assert line is not None
    assert line.options == {"frozen": True, "jitter": "30"}
