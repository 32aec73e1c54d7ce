"""Command lines that are refused: one form of errors, and suggestions."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.project import Project
from tests.support.variants import variants


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("versoin", "provision --version"),
        ("hlep", "provision --help"),
        ("install", "provision sync"),
        ("upgrade", "provision lock --upgrade"),
        ("uninstall", "provision remove NAME"),
        ("use", "provision run NAME"),
        ("python", "provision run NAME"),
        ("pip", "provision run NAME pip"),
        ("shell", 'eval "$(provision env)"'),
        ("verfy", "provision verify"),
        ("audti", "provision audit"),
        ("versions", "provision list"),
        ("install 3.13", "provision add NAME 3.13"),
        ("pin 3.13", "provision add NAME 3.13"),
        ("local", "provision add NAME VERSION"),
        ("rm", "provision remove NAME"),
        ("search", "provision catalog list"),
        ("check", "provision lock --check"),
        ("gc", "provision prune"),
        ("tree", "provision list"),
        # what was typed after the word is kept
        ("upgrade free", "provision lock --upgrade free"),
        ("upgrade 3.14", "provision lock --upgrade"),
        ("rm old older --force", "provision remove old older"),
        ("info free", "provision explain free"),
        ("where free", "provision which free"),
        ("python -V", "provision run NAME -V"),
        ("pip install x", "provision run NAME pip install x"),
        ("venv .venv", "provision run NAME -m venv .venv"),
        ("use 3.13", "provision add NAME 3.13"),
    ],
)
def test_an_unknown_command_is_an_error_with_a_suggestion(project: Project, typed: str, meant: str) -> None:
    said = project.run(*typed.split(), expect=2).err
    assert said == f"error: no command {typed.split(maxsplit=1)[0]!r}\n hint: Did you mean `{meant}`?\n"


@pytest.mark.parametrize(
    ("typed", "ours"),
    [
        ("-V", "--version"),
        ("version", "--version"),
        ("help", "--help"),
        ("help sync", "sync --help"),
        ("help catalog list", "catalog list --help"),
        ("ls --json", "list --json"),
    ],
)
def test_aliases_run_their_commands(project: Project, typed: str, ours: str) -> None:
    project.write("[pythons]\n")
    assert project.run(*typed.split()) == project.run(*ours.split())


def test_an_unknown_command_without_a_similar_one_has_the_help_as_hint(project: Project) -> None:
    for word in ("xyzzy", "self"):
        assert project.run(word, expect=2).err == f"error: no command {word!r}\n hint: Run `provision --help`.\n"


def test_errors_of_the_command_line_have_the_form_of_all_errors(project: Project) -> None:
    """`test_refusals` has each kind of them."""
    said = project.run("plan", "--lockd", expect=2).err
    assert said == "error: `provision plan` has no option '--lockd'\n hint: Run `provision plan --help`.\n"


def test_a_group_without_a_command_prints_its_help(project: Project) -> None:
    for words in ((), ("cache",)):
        ended = project.run(*words, expect=2)
        assert "Commands:" in ended.out + ended.err
        assert "error" not in ended.err.lower().replace("errors", "")


@pytest.mark.parametrize(
    ("shell", "file"), [("zsh", ".zfunc/_provision"), ("fish", ".config/fish/completions/provision.fish")]
)
def test_completion_is_installed_for_the_named_shell(project: Project, tmp_path: Path, shell: str, file: str) -> None:
    """In the past, the word was ignored, and the current shell's completion was installed."""
    said = project.run("--install-completion", shell, HOME=str(tmp_path), SHELL="/bin/bash").err
    assert said.startswith(f"installed the completion of {shell} in {tmp_path}/{file}")
    assert "_PROVISION_COMPLETE" in (tmp_path / file).read_text()
    assert not (tmp_path / ".bashrc").exists()


def test_completion_for_an_unknown_shell_is_an_error(project: Project) -> None:
    assert "got 'tcsh'" in project.run("--show-completion", "tcsh", expect=2).err
    assert "complete --command provision" in project.run("--show-completion", "fish").out


@pytest.mark.parametrize(
    "words", ["sync pythons.toml", "plan pythons.toml", "verify pythons.lock", "explain pythons.toml"]
)
def test_a_file_in_place_of_a_name_is_an_error_with_a_hint(project: Project, words: str) -> None:
    project.write('[settings]\ntargets = ["linux-x86_64"]\n[pythons]\none = "3.13"\n')
    project.run("lock", "--offline")
    assert (
        "hint: Names are those of entries. To use another manifest, pass `--manifest pythons.toml`."
        in project.run(*words.split(), expect=2).err
    )
    assert "pass `--manifest ci.toml`" in project.run("lock", "ci.toml", expect=2).err


@pytest.mark.parametrize("command", ["plan", "which one", "list", "verify", "audit"])
def test_a_missing_manifest_named_by_a_variable_is_an_error(project: Project, command: str) -> None:
    said = project.run(*command.split(), expect=2, PROVISION_MANIFEST="/nowhere/x.toml").err
    assert said == (
        "error: /nowhere/x.toml: does not exist\n"
        " hint: PROVISION_MANIFEST is '/nowhere/x.toml': correct or unset that variable.\n"
    )


@pytest.mark.parametrize(
    "case",
    variants(
        [
            (["sync", "one", "--home", ""], "--home"),
            (["list", "--home="], "--home"),
            (["sync", "-m", ""], "--manifest"),
            (["run", "--cache-dir", "", "one"], "--cache-dir"),
            (["plan", "-o", ""], "--output"),
            (["audit", "--policy", ""], "--policy"),
            (["sync", "--mirror", "https://a.example", "--mirror", ""], "--mirror"),
            (["cache", "size", "--home", ""], "--home"),
            (["pack", "-o", "x", ""], "PREFIX"),
            (["audit", ""], "LOCK"),
        ],
        quick=[
            (["sync", "one", "--home", ""], "--home"),
            (["plan", "-o", ""], "--output"),
            (["cache", "size", "--home", ""], "--home"),
            (["audit", ""], "LOCK"),
        ],
    ),
)
def test_an_empty_value_is_not_the_working_directory(project: Project, case: tuple[list[str], str]) -> None:
    words, name = case
    project.write("[pythons]\n")
    before = sorted(project.directory.rglob("*"))
    assert f"error: {name}: expected a value, got ''\n" in project.run(*words, expect=2).err
    assert sorted(project.directory.rglob("*")) == before


def test_the_command_of_run_may_have_empty_arguments(project: Project) -> None:
    project.write('[pythons]\none = "3.13"\n')
    assert "pythons.lock does not exist" in project.run("run", "-v", "one", "cat", "--home", "", expect=4).err
