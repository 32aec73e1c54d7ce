"""Whatever a pull request brings: looking at it runs nothing, asks nobody, writes nothing, and ends with a sentence."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.support.project import Project
from tests.support.variants import variants
from tests.trust.hostile import CASES, bring
from tests.trust.watching import Seen, watch_all

# What people and workflows run on a pull request before anyone has looked at it.
LOOKS: tuple[tuple[str, ...], ...] = (
    ("lock", "--check"),
    ("plan", "--json"),
    ("plan", "--frozen"),
    ("list",),
    ("status",),
    ("status", "--json"),
    ("which", "one"),
    ("diff", "/dev/null", "pythons.lock"),
    ("diff", "/dev/null", "pythons.lock", "--format", "github"),
    ("audit", "--json"),
)
# The same readers in other words: tried on the cases that get far enough to tell them apart.
MORE: tuple[tuple[str, ...], ...] = (
    ("lock", "--check", "--json"),
    ("plan", "--frozen", "--json", "--target", "all"),
    ("list", "--json"),
    ("diff", "/dev/null", "pythons.lock", "--format", "markdown"),
    ("diff", "/dev/null", "pythons.lock", "--json"),
    ("audit",),
    ("audit", "--format", "github"),
    ("outdated",),
    ("explain", "one"),
    ("env", "--shell", "sh"),
)
_SLOWEST = 5.0  # of processor time
_CODES = {0, 1, 2, 4, 5, 6}


def snapshot(directory: Path) -> dict[str, tuple[int, int, bytes]]:
    """Everything below a directory: its kind and mode, when it was changed, and its content."""
    found = {}
    for top, folders, files in os.walk(directory):
        for name in (*folders, *files):
            path = Path(top, name)
            facts = path.lstat()
            content = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
            found[str(path)] = (facts.st_mode, facts.st_mtime_ns, content)
    return found


KINDS = sorted({case.partition(":")[0] if ":" in case else "files" for case in CASES})


@pytest.mark.parametrize("kind", variants(KINDS, quick=("name",)))
def test_commands_that_only_read_have_no_side_effects(kind: str, tmp_path: Path) -> None:
    cases = [case for case in CASES if (case.partition(":")[0] if ":" in case else "files") == kind]
    projects = {case: bring(case, tmp_path / str(number)) for number, case in enumerate(cases)}
    before = snapshot(tmp_path)
    environ = {"GITHUB_ACTIONS": "true", "https_proxy": "http://127.0.0.1:9", "GITHUB_TOKEN": "secret"}
    looks = LOOKS + MORE if kind in {"files", "url"} else LOOKS
    seen = watch_all(dict.fromkeys(projects.values(), looks), **environ)
    for case, project in projects.items():
        for one in seen[project]:
            check(one, project, case)
    kept = [project.cache for project in projects.values()]
    after = {path: facts for path, facts in snapshot(tmp_path).items() if not _is_below(path, kept)}
    assert after == before


def _is_below(path: str, folders: list[Path]) -> bool:
    return any(Path(path).is_relative_to(folder) for folder in folders)


def check(seen: Seen, project: Project, case: str) -> None:
    """One run was harmless, and reported the problem in a harmless way."""
    told = f"{case}: {seen.words} ended with {seen.code}\n{seen.out[-2000:]}\n{seen.err[-4000:]}"
    assert seen.code in _CODES, told
    assert "Traceback" not in seen.err, told
    assert (seen.of("code"), seen.of("network")) == ((), ()), told
    # `diff` reads names that are no files from git, with a command that runs nothing (see test_git).
    assert all("cat-file" in process for process in seen.of("process")), told
    # The compact form of a catalog is saved for the next time, under a name of our own: nothing else is ever written.
    assert all(Path(path).is_relative_to(project.cache / "catalog") for path in seen.of("write")), seen.of("write")
    assert "hunter2" not in seen.out + seen.err, told
    assert seen.seconds < _SLOWEST, told
    check_output(seen)


def check_output(seen: Seen) -> None:
    """The output controls no terminal and no CI system."""
    for text in (seen.out, seen.err):
        for line in text.split("\n"):
            assert line.isprintable(), repr(line)
            # What begins as the one kind of command is not read as the other.
            assert line.startswith("::") or not any(command in line for command in ("##[", "##vso[")), line
    # Under GitHub Actions, `lock --check` annotates a lock file that is out of date.
    asked_for = "github" in seen.words or "--check" in seen.words
    for line in seen.out.split("\n"):
        if asked_for and line.startswith("::"):
            check_command(line)
        else:
            assert not line.lstrip().startswith("::"), line
    for line in seen.err.split("\n"):
        if line.lstrip().startswith("::"):
            check_command(line)
    if "--json" in seen.words and seen.out:
        assert seen.out.isascii()
        assert isinstance(json.loads(seen.out), dict)


def check_command(line: str) -> None:
    """An annotation of our own: on one of the project's files, with nothing in its properties that ends them."""
    command, _, rest = line.removeprefix("::").partition(" ")
    assert command in {"error", "warning", "notice"}, line
    properties = rest.partition("::")[0].split(",")
    assert [name.partition("=")[0] for name in properties] in (
        ["file", "line", "title"],
        ["file", "line"],
        ["file", "line", "col"],
    )
    assert "owned" not in properties[0]


def test_the_cases_contain_their_files(tmp_path: Path) -> None:
    assert len(CASES) > 80
    assert bring("forged links", tmp_path).directory.joinpath(".pythons/.stamp").exists()
