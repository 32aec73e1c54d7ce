"""`which`, `env` and `run` on the command line, with options that only the full command line knows."""

from __future__ import annotations

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
    assert executable.endswith("/bin/python")
    assert executable in synced.run("which", "one", "--json").out


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


def test_run_starts_an_interpreter_and_hands_on_its_exit_code(synced: Project) -> None:
    assert synced.run("run", "--verbose", "one", "--", "python", "-V").out == "Python 3.13.5\n"


def test_all_that_follows_the_entry_is_the_commands_own(synced: Project) -> None:
    assert synced.run("run", "one", "python", "-V").out == "Python 3.13.5\n"
    for words in (["sh", "-c", "echo $0 $@", "-m", "-q", "--json"], ["echo", "sh", "--", "-m", "-q", "--json"]):
        for options in ([], ["--quiet"]):
            assert synced.run("run", *options, "one", *words).out.split()[-2:] == ["-q", "--json"]


@pytest.mark.parametrize("words", [["-c", "x y"], ["--", "-c", "x y"], ["--home", "."]])
def test_an_option_in_place_of_a_command_is_told_where_it_goes(synced: Project, words: list[str]) -> None:
    options = words[words[0] == "--" :]
    for spelled in (["run", "one", *words], ["run", "--verbose", "one", *words]):
        said = synced.run(*spelled, expect=2).err
        assert f"expected a command after entry 'one', got option '{options[0]}'" in said
        assert f"`provision run one -- python {shlex.join(options)}`" in said


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
def test_a_command_in_place_of_an_entry_is_told_which_entry(synced: Project, words: str, command: str) -> None:
    said = synced.run("run", *shlex.split(words), expect=2).err
    assert f"error: pythons.toml declares no '{command.split(maxsplit=1)[0]}'\n" in said
    assert f"`provision run one -- {command}`" in said


def test_a_misspelled_entry_is_still_told_the_near_one(synced: Project) -> None:
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


def test_a_pipe_that_is_closed_is_no_error_of_a_command(synced: Project) -> None:
    ended = synced.run("run", "one", "--", "sh", "-c", "yes | head -1")
    assert (ended.out, ended.err) == ("y\n", "")
