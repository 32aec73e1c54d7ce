"""Completion in every shell: of commands, entries, targets, versions, builds, and values of options; and quickly."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from provision.cli.app import make_app, run_app
from provision.cli.candidates import complete_builds, complete_names, complete_requests

MANIFEST = '[pythons]\ndefault = "3.13"\ndebug = "3.13d"\nfree = "3.14t"\n'

# What is typed, and the candidates for its last word.
TYPED = {
    "provision sy": ["sync"],
    "provision catalog sh": ["show"],
    "provision run de": ["default", "debug"],
    "provision which f": ["free"],
    "provision sync free d": ["default", "debug"],
    "provision remove free": ["free"],
    "provision explain d": ["default", "debug"],
    "provision plan --target linux-x86_64": ["linux-x86_64", "linux-x86_64-musl"],
    "provision sync -t al": ["all"],
    "provision sync --loc": ["--locked"],
    "provision sync --target linux-x86_64 --cpu v": ["v2", "v3", "v4"],
    "provision add x 3.14.1": ["3.14.10", "3.14.1"],
    "provision add x pyp": ["pypy3.12", "pypy3.11", "pypy3.10", "pypy3.9", "pypy3.8", "pypy3.7"],
    "provision add x 3.13 --flavor install_only_": ["install_only_stripped"],
    "provision add x 3.13 --cpu a": ["auto"],
    "provision add x 3.13 --without id": ["idle"],
    "provision add x 3.13 --build 202611": ["20261110"],
    "provision catalog list graalpy25": [],
    "provision env --shell po": ["powershell"],
    "provision diff --format mark": ["markdown"],
    "provision audit -f sar": ["sarif"],
    "provision audit --format ht": ["html"],
    "provision sbom --format s": ["spdx"],
    "provision schema l": ["lock"],
    "provision hook z": ["zsh"],
    "provision pre-commit au": ["audit"],
}


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "pythons.toml").write_text(MANIFEST)
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("PROVISION_")]:
        monkeypatch.delenv(name)
    return tmp_path


def variables(shell: str, typed: str) -> dict[str, str]:
    """What the completion script of a shell passes."""
    words = typed.split(" ")
    given = {"_PROVISION_COMPLETE": f"complete_{shell}"}
    if shell == "bash":
        return {**given, "COMP_WORDS": "\n".join(words), "COMP_CWORD": str(len(words) - 1)}
    more = {"fish": {"_TYPER_COMPLETE_FISH_ACTION": "get-args"}, "zsh": {}}
    return {
        **given,
        "_TYPER_COMPLETE_ARGS": typed,
        **more.get(shell, {"_TYPER_COMPLETE_WORD_TO_COMPLETE": words[-1]}),
    }


def candidates(shell: str, answered: str) -> list[str]:
    """The candidates in what is answered to a shell."""
    if shell == "zsh":
        listed = answered.partition("((")[2].partition("))")[0]
        return [line.split('"')[1] for line in listed.splitlines()]
    separator = {"bash": "\0", "fish": "\t"}.get(shell, ":::")
    return [line.partition(separator)[0] for line in answered.splitlines() if line]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell", "pwsh"])
def test_each_shell_gets_candidates(
    shell: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for typed, expected in TYPED.items():
        with monkeypatch.context() as patched:
            for name, value in variables(shell, typed).items():
                patched.setenv(name, value)
            run_app([])
        shown = capsys.readouterr()
        assert (candidates(shell, shown.out), shown.err) == (expected, ""), typed


@pytest.mark.parametrize("text", ["[pythons", "", '[pythons]\n"a b" = 3\n'])
def test_without_a_valid_manifest_there_are_no_entries_and_no_errors(project: Path, text: str) -> None:
    (project / "pythons.toml").write_text(text)
    assert list(complete_names("")) == []


def test_series_come_before_versions_and_the_newest_first() -> None:
    series = list(complete_requests("3"))
    assert series[:3] == ["3.15", "3.14", "3.13"]
    assert series[-1] == "3.16", "it has no final release"
    assert all(text.count(".") == 1 for text in series)
    versions = list(complete_requests("3.13"))
    assert (versions[0], versions[-1].startswith("3.13.")) == ("3.13", True)
    assert list(complete_requests("x")) == []
    builds = list(complete_builds(""))
    assert builds == sorted(builds, reverse=True)


def test_few_candidates_are_offered_and_each_begins_with_the_typed_text() -> None:
    for typed in (
        "",
        "3",
        "3.",
        "3.1",
        "3.10",
        "3.13",
        "3.13.",
        "3.13.1",
        "3.15",
        "3.15.0",
        "pypy3.11",
        "pypy3.1",
        "gr",
    ):
        offered = list(complete_requests(typed))
        assert 0 < len(offered) <= (40 if not typed else 15), typed
        assert all(text.startswith(typed) for text in offered)
        assert len(set(offered)) == len(offered)
    assert list(complete_requests("3.1")) == ["3.15", "3.14", "3.13", "3.12", "3.11", "3.10", "3.16"]
    assert list(complete_requests("3.13"))[:3] == ["3.13", "3.13.18", "3.13.17"]
    assert list(complete_requests("3.13.5")) == ["3.13.5"]
    for typed in ("", "2026", "20251"):
        assert 0 < len(list(complete_builds(typed))) <= 10


def parameters(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    for name, inner in getattr(command, "commands", {}).items():
        yield from parameters(inner, (*path, name))
    if not hasattr(command, "commands"):
        yield from ((" ".join(path), parameter) for parameter in command.params)


# Values that cannot be listed in advance.
FREE = {"URL", "HOST", "DATE", "N", "INTEGER", "REFERENCE", "KEY=VALUE", "SECONDS", "MIRROR"}
FREE_PARAMETERS = {
    ("add", "name"),
    ("run", "command"),
    ("diff", "old"),
    ("diff", "new"),
    ("pack", "build"),
    ("image", "name"),
}


def test_every_known_value_is_completed() -> None:
    missing = []
    for command, parameter in parameters(typer.main.get_command(make_app(""))):
        free = (
            getattr(parameter, "is_flag", False)
            or parameter.type.name in {"path", "_database", "integer", "int range"}
            or parameter.metavar in FREE
            or (command, parameter.name) in FREE_PARAMETERS
        )
        if not free and parameter._custom_shell_complete is None:
            missing.append(f"{command}: {parameter.name}")
    assert missing == []


def test_completion_loads_one_module_of_commands_and_nothing_heavy() -> None:
    """The modules stand for the time, which cannot be measured on a busy machine."""
    code = "import sys; from provision.cli.app import run_app; run_app([]); print(*sys.modules, file=sys.stderr)"
    environ = {**os.environ, **variables("zsh", "provision run d")}
    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True)
    assert candidates("zsh", done.stdout) == ["default", "debug"]
    loaded = set(done.stderr.split())
    assert sorted(loaded & {"rich", "httpx", "pydantic", "tomlkit", "markdown_it", "pygments", "json"}) == []
    assert {name for name in loaded if name.startswith("provision.cli.commands.")} == {"provision.cli.commands.use"}


def make_command(folder: Path) -> dict[str, str]:
    """An environment in which a shell finds ``provision``."""
    folder.mkdir()
    program = folder / "provision"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m provision "$@"\n')
    program.chmod(0o755)
    return {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "HOME": str(folder)}


SESSIONS = {
    "bash": (
        'eval "$(provision --show-completion bash)"; complete -p provision >/dev/null || exit 1; '
        'COMP_WORDS=(provision run de); COMP_CWORD=2; _provision_completion provision; printf "%s\\n" "${COMPREPLY[@]}"'
    ),
    "fish": 'provision --show-completion fish | source; complete -C "provision run de"',
    "zsh": (
        'compdef() { :; }; _arguments() { eval "printf \'%s\\n\' ${1#*: :}" 2>/dev/null || print -r -- "$1"; }; '
        'words=(provision run de); CURRENT=3; eval "$(provision --show-completion zsh)"; _provision_completion'
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("shell", SESSIONS)
def test_completion_works_in_a_real_shell(shell: str, tmp_path: Path) -> None:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    done = subprocess.run(
        [program, "-c", SESSIONS[shell]],
        env=make_command(tmp_path / "bin"),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert [name for name in ("default", "debug", "free") if name in done.stdout] == ["default", "debug"], done.stderr
