"""The effects of commands in a project: what they print, write and run, and which hosts they contact."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.killer import ROOT
from tests.support.project import Project

_WATCHER = Path(__file__).with_name("watcher.py")


@dataclass(frozen=True, slots=True)
class Seen:
    """One command: how it ended, what it printed, and what it did; paths are absolute, their links followed."""

    words: tuple[str, ...]
    code: int
    out: str
    err: str
    seconds: float
    events: tuple[tuple[str, str], ...]

    def of(self, kind: str) -> tuple[str, ...]:
        """What it did of a kind: ``write``, ``process``, ``network`` or ``code`` (of the project)."""
        return tuple(what for event, what in self.events if event == kind)

    def document(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.out)
        return document


def watch(project: Project, *commands: Sequence[str], **environ: str) -> tuple[Seen, ...]:
    """Run commands one after the other in a project's directory."""
    return tuple(watch_all({project: commands}, **environ)[project])


def watch_all(commands: Mapping[Project, Sequence[Sequence[str]]], **environ: str) -> dict[Project, list[Seen]]:
    """Run commands in several projects' directories."""
    jobs = [
        {"words": list(words), "cwd": str(project.directory), "environ": project.environ(environ)}
        for project, lines in commands.items()
        for words in lines
    ]
    first = next(iter(commands))
    done = subprocess.run(
        [sys.executable, str(_WATCHER)],
        cwd=first.directory,
        env=first.environ({"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}),
        input=json.dumps(jobs),
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    seen = [
        Seen(**{**one, "words": tuple(one["words"]), "events": tuple(map(tuple, one["events"]))})
        for one in json.loads(done.stdout)
    ]
    return {project: [seen.pop(0) for _ in lines] for project, lines in commands.items()}


def look(project: Project, words: Sequence[str], **environ: str) -> Seen:
    """Run one command."""
    (seen,) = watch(project, words, **environ)
    return seen
