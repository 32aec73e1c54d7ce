"""Interpreters that are not installed, the environment of commands, and directories that cannot be on PATH."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from provision.errors import PolicyError, StoreError
from provision.plan import Selected
from provision.workflows.lock import lock
from provision.workflows.options import Options
from provision.workflows.use import FoundPython, bin_directory, environment, which
from tests.lock.samples import asset


def test_a_locked_interpreter_that_is_not_installed(options: Options, tmp_path: Path) -> None:
    (tmp_path / "pythons.toml").write_text('[pythons]\none = "3.13"\n')
    lock(options)
    with pytest.raises(StoreError, match="one is not installed") as caught:
        which(options, "one")
    assert caught.value.hint == "Run `provision sync one`."


def test_the_environment_has_the_interpreter_first(tmp_path: Path) -> None:
    found = FoundPython(
        selected=Selected(name="one", asset=asset("3.13.5+20250702")),
        tree=tmp_path,
        executable=tmp_path / "bin" / "python3.13",
    )
    environ = environment({"PATH": "/usr/bin", "PYTHONHOME": "/elsewhere", "LANG": "C"}, found)
    assert environ["PATH"].split(os.pathsep)[0] == str(tmp_path / "bin")
    assert environ["PATH"].endswith(f"{os.pathsep}/usr/bin")
    assert "PYTHONHOME" not in environ
    assert environ["LANG"] == "C"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
@pytest.mark.parametrize("name", ["a:b", "a\nb"])
def test_a_directory_that_path_would_split_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "pythons.toml").write_text("[pythons]\n")
    options = Options.of({}, home=tmp_path / "home", cache=tmp_path / "cache", manifest=tmp_path / name)
    with pytest.raises(PolicyError, match="on PATH: its name contains"):
        bin_directory(options)


def test_a_command_that_is_not_of_the_store_is_refused(options: Options, tmp_path: Path) -> None:
    (tmp_path / "pythons.toml").write_text("[pythons]\n")
    assert bin_directory(options) == tmp_path / ".pythons" / "bin"
    bin_directory(options).mkdir(parents=True)
    (bin_directory(options) / "git").symlink_to("/bin/true")
    with pytest.raises(PolicyError, match="git was not made by provision; refusing to put it on PATH"):
        bin_directory(options)
