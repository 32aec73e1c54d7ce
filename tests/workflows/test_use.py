"""Missing and damaged interpreters, the environment of commands, and PATH."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from provision.errors import IntegrityError, PolicyError, SeveralErrors, StoreError
from provision.model.value import replace
from provision.plan import Selected
from provision.protocols import NoProgress
from provision.workflows.lock import lock
from provision.workflows.options import Options, Scope
from provision.workflows.plan import plan
from provision.workflows.sync import sync
from provision.workflows.use import FoundPython, bin_directory, environment, run, which
from tests.lock.samples import asset
from tests.support.builds import write_catalog
from tests.support.small import small_build


def test_a_locked_interpreter_that_is_not_installed_is_an_error(options: Options, tmp_path: Path) -> None:
    (tmp_path / "pythons.toml").write_text('[pythons]\none = "3.13"\n')
    lock(options)
    with pytest.raises(StoreError, match="one is not installed") as caught:
        which(options, "one")
    assert caught.value.hint == "Run `provision sync one`."


def test_the_environment_has_the_interpreter_first(tmp_path: Path) -> None:
    found = FoundPython(
        selected=Selected(name="one", asset=asset("3.13.5+20250702")),
        tree=tmp_path,
        link=tmp_path / "link",
    )
    environ = environment({"PATH": "/usr/bin", "PYTHONHOME": "/elsewhere", "LANG": "C"}, found)
    assert environ["PATH"].split(os.pathsep)[0] == str(tmp_path / "link/bin")
    in_odd_place = replace(found, link=tmp_path / f"a{os.pathsep}b")
    assert environment({}, in_odd_place)["PATH"].split(os.pathsep)[0] == str(tmp_path / "bin")
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


def test_a_command_outside_the_store_is_refused(options: Options, tmp_path: Path) -> None:
    (tmp_path / "pythons.toml").write_text("[pythons]\n")
    commands = tmp_path / ".pythons" / "bin"
    with pytest.raises(StoreError, match=f"cannot put {commands} on PATH: the directory does not exist"):
        bin_directory(options)
    commands.mkdir(parents=True)
    assert bin_directory(options) == commands
    (commands / "git").symlink_to("/bin/true")
    with pytest.raises(PolicyError, match="git was not made by provision; refusing to put it on PATH"):
        bin_directory(options)


@pytest.fixture
def tree(options: Options, tmp_path: Path) -> Path:
    """The installed tree of the entries ``one`` and ``two``."""
    build = small_build(tmp_path / "builds")
    (tmp_path / "served").mkdir()
    catalog = write_catalog(tmp_path / "served", [build])
    text = f'[settings]\ncatalogs = ["{catalog}"]\n\n[pythons]\none = {build.entry}\ntwo = {build.entry}\n'
    (tmp_path / "pythons.toml").write_text(text)
    sync(options, Scope(), NoProgress())
    return which(options, "one").tree


def test_an_upgrade_that_is_not_installed_yet_is_named(tree: Path, options: Options, tmp_path: Path) -> None:
    """As after a pull: the commands of the older interpreter are not put on PATH, and the reason is the real one."""
    commands, manifest = tmp_path / ".pythons" / "bin", tmp_path / "pythons.toml"
    newer = small_build(tmp_path / "builds", 2)
    write_catalog(tmp_path / "served", [newer, small_build(tmp_path / "builds")])
    before, _, last = manifest.read_text().partition("two = ")

    manifest.write_text(f"{before}two = {newer.entry}\n")
    lock(options)
    assert bin_directory(options) == commands  # all commands are of the other entry

    manifest.write_text(f"{before.partition('one = ')[0]}one = {newer.entry}\ntwo = {last}")
    lock(options)
    with pytest.raises(StoreError) as caught:
        bin_directory(options)
    assert str(caught.value) == "one: 3.13.5+20261202 is locked but not installed"
    assert caught.value.hint == "Run `provision sync`."

    sync(options, Scope(), NoProgress())
    assert bin_directory(options) == commands
    (commands / "python3.9").write_bytes((commands / "python3.13").read_bytes())
    with pytest.raises(PolicyError, match="refusing to put it on PATH"):
        bin_directory(options)


def _make_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


_DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "removed": (lambda tree: (tree / "bin/python3.13").unlink(), "bin/python3.13 is missing"),
    "bin removed": (lambda tree: (tree / "bin").rename(tree / "elsewhere"), "bin/python is missing"),
    "one name removed": (lambda tree: (tree / "bin/python3").unlink(), "bin/python3 is missing"),
    "not executable": (lambda tree: (tree / "bin/python3.13").chmod(0o644), "bin/python3.13 is not executable"),
    "empty": (lambda tree: (tree / "bin/python3.13").write_bytes(b""), "bin/python3.13 is empty"),
    "zeros": (lambda tree: (tree / "bin/python3.13").write_bytes(bytes(99)), "bin/python3.13 is not a program"),
    "text": (lambda tree: (tree / "bin/python3.13").write_text("exit 0\n"), "bin/python3.13 is not a program"),
    "a directory": (
        lambda tree: _make_directory(tree / "bin/python3.13"),
        "bin/python3.13 cannot be read: it is not a regular file",
    ),
}


@pytest.mark.skipif(os.name == "nt", reason="trees on Windows have one name of the interpreter, and no modes")
@pytest.mark.parametrize("damage", _DAMAGES)
def test_a_damaged_interpreter_is_refused_and_no_other_python_is_started(
    damage: str, tree: Path, options: Options
) -> None:
    change, reason = _DAMAGES[damage]
    change(tree)
    error = f"interpreter of entry 'two' is damaged: {tree}/{reason}"
    for use in (lambda: which(options, "two"), lambda: run(options, "two", ["python", "-c", "pass"])):
        with pytest.raises(IntegrityError) as caught:
            use()
        assert str(caught.value) == error
        assert caught.value.hint == "Run `provision verify --repair two`."
    with pytest.raises(SeveralErrors) as several:
        bin_directory(options)
    assert [str(each) for each in several.value.errors] == [error.replace("'two'", "'one'"), error]
    assert [install.damaged for install in plan(options, Scope()).plan.installs()] == [True]
    sync(options, Scope(), NoProgress())
    assert which(options, "two").tree == tree


@pytest.mark.parametrize(
    "content", ["7f454c46", "feedface", "feedfacf", "cefaedfe", "cffaedfe", "cafebabe", "cafebabf", "4d5a9000"]
)
def test_programs_of_every_system_are_detected_by_their_first_bytes(content: str, tree: Path, options: Options) -> None:
    (tree / "bin/python3.13").write_bytes(bytes.fromhex(content) + bytes(60))
    assert which(options, "one").tree == tree
