"""Many processes run at once against one store, and what each printed."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.project import COMMAND, Ended, Project


@dataclass(frozen=True, kw_only=True)
class Member:
    """One process of the crowd."""

    process: subprocess.Popen[str]

    def end(self, timeout: float = 300) -> Ended:
        out, err = self.process.communicate(timeout=timeout)
        return Ended(self.process.returncode, out, err)


@contextmanager
def crowd(tasks: Sequence[tuple[Project, Sequence[str]]], environ: Mapping[str, str] = {}) -> Iterator[list[Member]]:
    """Start all commands; none outlives the context."""
    members = [Member(process=_start(project, words, environ)) for project, words in tasks]
    try:
        yield members
    finally:
        for member in members:
            if member.process.poll() is None:
                member.process.kill()
                member.process.communicate()


def _start(project: Project, words: Sequence[str], environ: Mapping[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, *words],
        cwd=project.directory,
        env=project.environ(environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def copies(project: Project, folder: Path, number: int) -> list[Project]:
    """As many projects with the same manifest and lock, which share home and cache."""
    made = []
    for index in range(number):
        copy = Project(folder / f"copy-{index}", home=project.home, cache=project.cache)
        copy.manifest.write_bytes(project.manifest.read_bytes())
        copy.lock.write_bytes(project.lock.read_bytes())
        made.append(copy)
    return made
