"""`which`, `env` and `run` on the command line, with options that only the full command line knows."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import pytest

from tests.support.builds import write_catalog
from tests.support.project import Project
from tests.support.small import small_build


@pytest.fixture(scope="module")
def synced(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with one small interpreter, which tests do not change."""
    folder = tmp_path_factory.mktemp("synced")
    build = small_build(folder / "builds")
    catalog = write_catalog(folder, [build])
    project = Project(folder / "project")
    project.write(f'[settings]\ncatalogs = ["{catalog}"]\n\n[pythons]\none = {build.entry}\n')
    project.run("sync", PROVISION_MIRROR=folder.as_uri())
    return project


def test_which_prints_the_executable_of_an_entry(synced: Project) -> None:
    executable = synced.run("which", "one", "--verbose").out.strip()
    assert executable == f"{synced.directory}/.pythons/one/bin/python"
    document = synced.run("which", "one", "--json").document()
    assert document["executable"] == executable
    stored = f"{synced.home}/store/{document['key']}/bin/python"
    assert document["tree"] == str(Path(stored).parent.parent)
    for options in ([], ["--verbose"]):  # with and without Typer
        assert synced.run("which", "one", *options).out == f"{executable}\n"
        assert synced.run("which", "one", "--store", *options).out == f"{stored}\n"


def test_without_a_link_the_path_is_that_of_the_store(project: Project) -> None:
    project.run("sync")
    link = project.directory / ".pythons/one"
    stored = project.run("which", "one", "--store").out
    link.unlink()
    assert project.run("which", "one").out == stored
    link.symlink_to("/usr")
    assert project.run("which", "one").out == stored
    link.unlink()
    link.mkdir()
    assert project.run("which", "one").out == stored


def test_env_names_the_directory_of_links(synced: Project) -> None:
    assert f"{synced.directory}/.pythons" in synced.run("env", "--shell", "sh").out


def test_env_before_a_sync_is_an_error_and_prints_no_code(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.write("[pythons]\n")
    ended = project.run("env", "--shell", "github", expect=1)
    assert ended.out == ""
    assert f"cannot put {tmp_path}/.pythons/bin on PATH: the directory does not exist" in ended.err
    assert "Run `provision sync`" in ended.err


def test_a_damaged_interpreter_is_not_replaced_by_another_python(project: Project) -> None:
    project.run("sync")
    Path(project.run("which", "one").out.strip()).resolve().unlink()
    for words in (["run", "one", "--", "python", "-c", "print(1)"], ["env"], ["which", "one"]):
        ended = project.run(*words, expect=5)
        assert ended.out == ""
        assert "error: interpreter of entry 'one' is damaged: " in ended.err
        assert " hint: Run `provision verify --repair one`.\n" in ended.err
    project.run("verify", "--repair", "one")
    assert project.run("run", "one", "--", "python", "-V").out == "Python 3.13.5\n"


def test_run_starts_an_interpreter_and_returns_its_exit_code(synced: Project) -> None:
    assert synced.run("run", "--verbose", "one", "--", "python", "-V").out == "Python 3.13.5\n"


def test_all_arguments_after_the_entry_are_passed_to_the_command(synced: Project) -> None:
    assert synced.run("run", "one", "python", "-V").out == "Python 3.13.5\n"
    for words in (["sh", "-c", "echo $0 $@", "-m", "-q", "--json"], ["echo", "sh", "--", "-m", "-q", "--json"]):
        for options in ([], ["--quiet"]):
            assert synced.run("run", *options, "one", *words).out.split()[-2:] == ["-q", "--json"]


@pytest.mark.parametrize("words", [["-V"], ["--", "-V"], ["--", "--version"]])
def test_options_in_place_of_a_command_are_passed_to_the_interpreter(synced: Project, words: list[str]) -> None:
    for spelled in (["run", "one", *words], ["run", "--verbose", "one", *words]):
        assert synced.run(*spelled).out == "Python 3.13.5\n"


def test_python_files_are_run_by_the_interpreter(synced: Project) -> None:
    """Those on PATH and those after ``--`` are commands like any other."""
    for name in ("script.py", "app.pyz"):
        script = synced.directory / name
        script.write_text("#!/bin/sh\necho executed $1\n")
        script.chmod(0o755)
        assert "executed" not in synced.run("run", "one", name, "-x").out
        assert "prefix=" in synced.run("run", "one", f"./{name}", "-x").out
        assert synced.run("run", "one", "--", f"./{name}", "-x").out == "executed -x\n"
        script.unlink()
        assert "cannot execute" in synced.run("run", "one", name, expect=127).err


def test_pip_is_that_of_the_interpreter(synced: Project, tmp_path: Path) -> None:
    (tmp_path / "pip").write_text("#!/bin/sh\necho foreign\n")
    (tmp_path / "pip").chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    assert synced.run("run", "one", "pip", PATH=path).out == "foreign\n"
    own = Path(synced.run("which", "one", "--store").out.strip()).with_name("pip3")
    own.write_text("#!/bin/sh\necho own $1\n")
    own.chmod(0o755)
    try:
        assert synced.run("run", "one", "pip", "list", PATH=path).out == "own list\n"
    finally:
        own.unlink()


@pytest.mark.parametrize(
    ("words", "command"),
    [
        ("-- python -VV", "python -VV"),
        ("python -VV", "python -VV"),
        ("pytest", "pytest"),
        ("--quiet python -- -c 'x y'", "python -c 'x y'"),
        ("./script a", "./script a"),
    ],
)
def test_a_command_in_place_of_an_entry_is_an_error_that_names_the_entry(
    synced: Project, words: str, command: str
) -> None:
    said = synced.run("run", *shlex.split(words), expect=2).err
    assert f"error: pythons.toml has no entry '{command.split(maxsplit=1)[0]}'\n" in said
    assert f"`provision run one -- {command}`" in said


def test_a_script_in_place_of_an_entry_is_an_error_with_the_right_command(synced: Project) -> None:
    for name in ("script.py", "app.pyz"):
        assert f"run `provision run one {name} -x`" in synced.run("run", name, "-x", expect=2).err
        said = synced.run("run", "one", name, expect=127).err
        assert said == f"error: cannot execute {name}: no such file\n"


@pytest.mark.parametrize("locked", ["one", ""])
def test_an_entry_that_is_not_locked_yet_is_an_error(tmp_path: Path, locked: str) -> None:
    """Commands that use the lock report that, and not that the manifest lacks the entry."""
    project = Project(tmp_path / "project")
    build = small_build(tmp_path / "builds")
    start = f'[settings]\ncatalogs = ["{write_catalog(tmp_path, [build])}"]\n\n[pythons]\n'
    start += f"{locked} = {build.entry}\n" if locked else ""
    project.write(start)
    project.run("lock", PROVISION_MIRROR=tmp_path.as_uri())
    project.write(f"{start}new = {build.entry}\n")
    for command in ("which new", "run new -V", "export uv new", "licenses new", "verify new"):
        said = project.run(*command.split(), expect=4).err
        assert "pythons.lock has no entry 'new'" in said
        assert f"Run `provision lock`. Locked entries: {locked or 'none'}." in " ".join(said.split())
        assert "provision run one" not in said
    assert "pythons.toml has no entry 'nope'" in project.run("which", "nope", expect=2).err
    assert (
        f"The entries are {', '.join(filter(None, (locked, 'new')))}."
        in project.run("remove", "new", "x", expect=2).err
    )
    project.write("[")
    said = " ".join(project.run("which", "new", expect=4).err.split())
    assert "If the manifest has it, run `provision lock`." in said


def test_the_error_for_a_misspelled_entry_has_a_suggestion(synced: Project) -> None:
    assert "Did you mean 'one'?" in synced.run("run", "on", "python", expect=2).err


def test_commands_that_cannot_be_executed_have_the_exit_codes_of_shells(synced: Project) -> None:
    script = synced.directory / "script"
    script.write_text("echo $1; exit 3\n")
    assert synced.run("run", "one", "./script", expect=126).err == "error: cannot execute ./script: permission denied\n"
    script.chmod(0o755)
    assert synced.run("run", "one", "./script", "a b", expect=3).out == "a b\n"
    said = synced.run("run", "one", "--", "/etc/passwd", expect=126).err
    assert said == "error: cannot execute /etc/passwd: permission denied\n"
    said = synced.run("run", "one", "absent-command", expect=127).err
    assert said == "error: cannot execute absent-command: command not found\n"


def test_a_closed_pipe_is_not_an_error_of_a_command(synced: Project) -> None:
    ended = synced.run("run", "one", "--", "sh", "-c", "yes | head -1")
    assert (ended.out, ended.err) == ("y\n", "")


def test_sync_notes_which_entry_has_a_shared_command(tmp_path: Path) -> None:
    builds = [small_build(tmp_path / "builds", number) for number in (1, 2)]
    catalog = write_catalog(tmp_path, builds)
    project = Project(tmp_path / "project")
    old, new = (build.entry for build in builds)
    project.write(f'[settings]\ncatalogs = ["{catalog}"]\n\n[pythons]\nold = {old}\ndefault = {new}\n')
    note = "note: `python3.13` starts entry 'default', not 'old'\n"
    assert note in project.run("sync", PROVISION_MIRROR=tmp_path.as_uri()).err
    commands = project.directory / ".pythons/bin"
    for words in (["sync"], ["sync", "-v"], ["sync", "--frozen"]):  # by the stamp, and without it
        assert project.run(*words).err.count(note) == 1
        assert "}/default ;;" in (commands / "python").read_text()
        (project.directory / ".pythons/.stamp").unlink()
    project.write(project.manifest.read_text().replace(f"old = {old}", f"old = {old[:-1]}, default = true }}"))
    assert "note: `python3.13` starts entry 'old', not 'default'\n" in project.run("sync", "--locked").err
    for _ in range(2):
        assert "}/old ;;" in (commands / "python").read_text()
        project.run("sync", "--frozen", "--no-progress")
