"""Variables with a form: every command checks every one, and names it if it is wrong."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from provision.errors import UsageError
from provision.host.variables import (
    KNOWN_VARIABLES,
    check_variables,
    misspelled_variables,
    read_flag,
    read_number,
    read_size,
)
from tests.support.project import Project

INVALID = {
    "PROVISION_CONNECTIONS": ("17", "a number from 1 to 16"),
    "PROVISION_CPU": ("v9", "one of baseline, v2, v3, v4"),
    "PROVISION_DEADLINE": ("0", "a number of seconds above 0"),
    "PROVISION_JITTER": ("86401", "a number of seconds from 0 to 86400"),
    "PROVISION_JOBS": ("many", "a number from 1 to 64"),
    "PROVISION_LOCKED": ("maybe", "one of 1, true, yes, on, 0, false, no, off"),
    "PROVISION_LOCK_TIMEOUT": ("-1", "a number of seconds, 0 or more"),
    "PROVISION_MAX_ARCHIVE": ("2G", "a number of MiB above 0"),
    "PROVISION_MAX_UNPACKED": ("six", "a number of bytes, or a number with K, M or G such as 6G"),
    "PROVISION_NO_PROGRESS": ("never", "one of 1, true, yes, on, 0, false, no, off"),
    "PROVISION_OFFLINE": ("banana", "one of 1, true, yes, on, 0, false, no, off"),
    "PROVISION_STORES": ("pythons", f"absolute directories separated by {os.pathsep!r}"),
    "PROVISION_TIMEOUT": ("nan", "a number of seconds above 0"),
}


@pytest.mark.parametrize("name", INVALID)
def test_an_invalid_value_names_variable_expectation_and_value(name: str) -> None:
    value, expected = INVALID[name]
    with pytest.raises(UsageError) as caught:
        check_variables({name: value})
    assert str(caught.value) == f"{name}: expected {expected}; got {value!r}"
    check_variables({name: ""})


@pytest.mark.parametrize("command", ["list", "lock --check", "cache dir", "plan -v"])
def test_every_command_checks_variables_that_it_does_not_use(command: str, tmp_path: Path) -> None:
    project = Project(tmp_path / "project")
    project.write("[pythons]\n")
    said = project.run(*command.split(), expect=2, PROVISION_MAX_UNPACKED="six").err
    assert said.startswith("error: PROVISION_MAX_UNPACKED: expected ")


def test_provision_locked_applies_to_every_form_of_sync(tmp_path: Path) -> None:
    """In the past, only Typer read it, which a plain `sync` does not use."""
    project = Project(tmp_path / "project")
    project.write("[pythons]\n")
    for words in (("sync",), ("sync", "--json"), ("sync", "--prune")):
        project.run(*words, expect=4, PROVISION_LOCKED="1")
    project.run("sync", "--no-locked", PROVISION_LOCKED="1")
    project.lock.unlink()
    project.run("sync", PROVISION_LOCKED="no", CI="true")


@pytest.mark.parametrize(
    ("text", "value"), [("1", True), ("Yes", True), ("t", True), ("0", False), ("OFF", False), ("", None)]
)
def test_a_flag_is_true_false_or_not_set(text: str, value: bool | None) -> None:
    assert read_flag({"X": text}, "X") is value
    assert read_flag({}, "X") is None


@pytest.mark.parametrize(("text", "size"), [("6G", 6 << 30), ("5kib", 5 << 10), ("7MB", 7 << 20), ("9", 9)])
def test_a_size_is_read_in_bytes(text: str, size: int) -> None:
    assert read_size({"X": text}, "X") == size


@pytest.mark.parametrize("text", ["6B", "6iB", "G", "1_000", "²", "-1", "1.5G"])
def test_an_invalid_size_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError, match=r"^X: expected a number of bytes"):
        read_size({"X": text}, "X")


def test_a_timeout_is_a_number_of_seconds() -> None:
    assert read_number({"X": " 0.5 "}, "X") == 0.5
    assert read_number({"X": "0"}, "X", zero=True) == 0


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("PROVISION_OFLINE", "PROVISION_OFFLINE"),
        ("PROVISION_TIMOUT", "PROVISION_TIMEOUT"),
        ("PROVISION_CACHEDIR", "PROVISION_CACHE_DIR"),
    ],
)
def test_a_misspelled_variable_is_reported(name: str, meant: str, tmp_path: Path) -> None:
    assert misspelled_variables({name: "1", "PROVISION_HOME": "/x", "PATH": ""}) == {name: meant}
    project = Project(tmp_path / "project")
    project.write("[pythons]\n")
    environ: dict[str, Any] = {name: "1"}
    said = project.run("lock", **environ).err
    assert f"warning: {name} is not a variable of provision; did you mean {meant}?\n" in said


def test_variables_of_other_tools_are_not_misspelled() -> None:
    assert misspelled_variables({"PROVISION_WHEEL": "x", "PROVISION_ENV": "y", "PROVISIONER": "z"}) == {}
    assert misspelled_variables(dict.fromkeys(KNOWN_VARIABLES, "")) == {}
