"""Command lines read without Typer are read as Typer reads them."""

from __future__ import annotations

from typing import Any

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from provision.cli.app import make_app
from provision.cli.plain import is_plan_file, read_line

COMMANDS = ("sync", "plan", "lock", "list", "which")
WORDS = (
    *("-q", "--quiet", "-v", "--verbose", "--json", "--offline", "--progress", "--no-progress", "--locked", "--frozen"),
    *("--no-locked", "--check", "--exit-code", "--manifest", "-m", "--manifest=a b.toml", "--home=/h", "--cache-dir"),
    *("--jobs", "-j", "--jobs=4", "--jobs=0", "-j4", "2", "65", "default", "x.toml", "--", "-", "--upgrade", "--quie"),
    *("--jitter", "--jitter=1.5", "--jitter=nan", "--jitter=1e9"),
)


def as_typer_reads(command: str, words: list[str]) -> dict[str, Any] | None:
    """The parameters that differ from their defaults; None if Typer refuses the words."""
    group = typer.main.get_command(make_app(command))
    found = group.commands[command]  # type: ignore[attr-defined]
    defaults = {parameter.name: parameter.default for parameter in found.params}
    try:
        context = found.make_context(command, list(words))
    except Exception:  # noqa: BLE001  (whatever Typer refuses, we leave to it)
        return None
    return {name: value for name, value in context.params.items() if value not in (None, defaults.get(name), [], ())}


@pytest.mark.parametrize("command", COMMANDS)
def test_no_option_is_read_that_typer_refuses(command: str) -> None:
    for words in ([word, *value] for word in WORDS for value in ([], ["2"], ["default"])):
        assert read_line([command, *words]) is None or as_typer_reads(command, words) is not None, words


@given(st.sampled_from(COMMANDS), st.lists(st.sampled_from(WORDS), max_size=5))
def test_command_lines_are_read_as_typer_reads_them(command: str, words: list[str]) -> None:
    line = read_line([command, *words])
    if line is None:
        return
    theirs = as_typer_reads(command, words)
    assert theirs is not None
    names = theirs.pop("names", None) or ([theirs.pop("name")] if "name" in theirs else [])
    ours: dict[str, Any] = dict(line.options)
    for key in {"manifest", "home", "cache_dir"} & theirs.keys():
        theirs[key] = str(theirs[key])
    if "jobs" in ours:
        ours["jobs"] = int(ours["jobs"])
    if "jitter" in ours:
        ours["jitter"] = float(ours["jitter"])
    assert list(names) == line.names
    assert {key: value for key, value in ours.items() if (key, value) != ("progress", True)} == theirs


@pytest.mark.parametrize(
    ("argv", "options", "names"),
    [
        ("sync --locked -q -m ci.toml", {"locked": True, "quiet": True, "manifest": "ci.toml"}, []),
        ("sync a --no-progress b", {"progress": False}, ["a", "b"]),
        ("plan --exit-code", {"exit_code": True}, []),
        ("lock --check --json", {"check": True, "as_json": True}, []),
    ],
)
def test_the_usual_spellings_are_read(argv: str, options: dict[str, object], names: list[str]) -> None:
    line = read_line(argv.split())
    assert line is not None
    assert (line.options, line.names) == (options, names)


@pytest.mark.parametrize(
    "argv",
    [
        "sync --locked --frozen",
        "sync -q -v",
        "sync --jobs 65",
        "sync --jobs",
        "sync --jitter x",
        "lock name",
        "plan --prune",
        "add",
    ],
)
def test_other_spellings_are_left_to_typer(argv: str) -> None:
    assert read_line(argv.split()) is None


def test_a_saved_plan_is_recognised_by_its_name() -> None:
    assert [is_plan_file(text) for text in ("a/b", "today.plan", "x.json", "today")] == [True, True, True, False]
