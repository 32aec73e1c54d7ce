"""A project, home and cache in one directory that can be reset, and the changes to it that are killed.

The archives are small (`tests.support.small`), so that each of the hundreds of runs takes a fraction of a second: the
subject is the order of the steps on disk, which does not depend on the contents of the files.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from provision.protocols import NoProgress
from provision.store.hashing import Difference
from provision.store.layout import Store
from provision.workflows.edit import add
from provision.workflows.lock import lock
from provision.workflows.options import Options, Scope
from provision.workflows.store import prune, verify
from provision.workflows.sync import sync
from tests.crash import invariants
from tests.crash.invariants import State
from tests.support.builds import Build
from tests.support.killer import Step, Victim, python
from tests.support.project import Project
from tests.support.tally import count

Again = Callable[[Options], object]
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}


@dataclass(kw_only=True)
class Box:
    """What a killed command can touch; ``again`` runs its arguments in this process. ``damages`` are those that its
    trees already had before.
    """

    root: Path
    words: Sequence[str]
    again: Again
    builds: Sequence[Build]
    environ: Mapping[str, str] = field(default_factory=dict)
    damages: Collection[tuple[Difference, ...]] = ()
    states: tuple[State, State] | None = None

    @property
    def project(self) -> Project:
        return Project(self.root / "project")

    @property
    def victim(self) -> Victim:
        environ = self.project.environ(self.environ)
        return Victim(
            command=python("-m", "provision", *self.words), under=self.root, cwd=self.project.directory, env=environ
        )

    def run(self, *words: str) -> None:
        self.project.run(*words, cwd=None, expect=0, **dict(self.environ))

    def remember(self) -> tuple[Step, ...]:
        """Record the current state as the old one, and the result of an undisturbed run as the new one; returns its
        steps.
        """
        shutil.copytree(self.root, self._before, symlinks=True)
        old = State.of(self.project)
        steps = self.victim.trace()
        self.states = old, State.of(self.project)
        return steps

    def reset(self) -> None:
        shutil.rmtree(self.root)
        shutil.copytree(self._before, self.root, symlinks=True)

    def check(self) -> tuple[str, ...]:
        """Old state or new; returns the keys of the trees that exist."""
        assert self.states is not None
        project = self.project
        invariants.check_no_lock_held(project.home, project.cache)
        keys = invariants.check_visible_trees(project.home, but=self.damages)
        invariants.check_links(project)
        invariants.check_files(project, self.states)
        invariants.check_catalogs(project.cache)
        return keys

    def finish(self, *, here: bool = False) -> None:
        """The next plain run completes, reaches the new state, and leaves nothing behind.

        ``here``: in this process, which takes less than half as long; in the series of SIGKILL, every third run is a
        separate process.
        """
        assert self.states is not None
        project = self.project
        if here:
            self.again(Options.of(project.environ(self.environ), manifest=project.manifest))
        else:
            self.run(*self.words)
        assert State.of(project) == self.states[1]
        invariants.check_visible_trees(project.home)
        invariants.check_tidy(project)

    def kill(self, step: Step, number: signal.Signals) -> None:
        """Reset, kill at a step, check, finish."""
        self.reset()
        if step.visible:
            process = self.victim.kill_at_visible(step.visible, number=number)
        else:
            process = self.victim.kill_at(step.number, number=number)
        self._check_end(process, step, number)
        self.check()
        self.finish(here=number != signal.SIGKILL or step.number % 3 > 0)
        count(f"{number.name} of `{self.words[0]}`")

    def _check_end(self, process: subprocess.CompletedProcess[str], step: Step, number: signal.Signals) -> None:
        told = f"{step}\n{process.stdout}{process.stderr}"
        if number == signal.SIGKILL:
            assert process.returncode == -signal.SIGKILL, told
            return
        assert process.returncode == CODES[number], told
        assert process.stderr.endswith(("interrupted\n", "terminated\n")), told
        assert "Traceback" not in process.stderr, told

    @property
    def _before(self) -> Path:
        return self.root.with_name("before")


def declare(box: Box, *builds: Build) -> None:
    """Request builds of the catalog that the box's manifest names."""
    first, _, _ = box.project.manifest.read_text().partition("[pythons]\n")
    entries = "".join(f"b{build.name.build} = {build.entry}\n" for build in builds)
    box.project.write(f"{first}[pythons]\n{entries}")


def for_sync(box: Box) -> None:
    """A first sync: locks, fetches, installs, links."""
    declare(box, box.builds[0])


def for_upgrade(box: Box) -> None:
    """One tree is removed, another is installed, and a link is removed."""
    declare(box, box.builds[0])
    box.run("sync")
    declare(box, box.builds[1])


def for_lock(box: Box) -> None:
    """One entry is locked and another is new."""
    declare(box, box.builds[0])
    box.run("lock")
    declare(box, *box.builds)


def for_prune(box: Box) -> None:
    """One of two trees is no longer needed."""
    declare(box, *box.builds)
    box.run("sync")
    declare(box, box.builds[1])
    box.run("sync")


def for_verify(box: Box) -> None:
    """A file of the tree has other bytes, and one is missing."""
    declare(box, box.builds[0])
    box.run("sync")
    (tree,) = Store(box.project.home).trees.iterdir()
    (tree / "lib/python3.13/os.py").write_text("name = 'other'\n")
    (tree / "share/empty").unlink()
    box.damages = {(Difference("lib/python3.13/os.py", "changed"), Difference("share/empty", "missing"))}


def for_add(box: Box) -> None:
    """A manifest with an entry and a comment."""
    declare(box, box.builds[0])
    with box.project.manifest.open("a") as manifest:
        manifest.write("# the end\n")


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A command, the same as a call, and the state before it."""

    words: tuple[str, ...]
    again: Again
    prepare: Callable[[Box], None]
    stride: int = 1  # the share of the steps; of two similar scenarios, one uses every other step


SCENARIOS = {
    "sync": Scenario(words=("sync",), again=lambda options: sync(options, Scope(), NoProgress()), prepare=for_sync),
    "upgrade": Scenario(
        words=("sync", "--prune"),
        again=lambda options: sync(options, Scope(prune=True), NoProgress()),
        prepare=for_upgrade,
        stride=2,
    ),
    "lock": Scenario(words=("lock",), again=lock, prepare=for_lock),
    "prune": Scenario(words=("prune",), again=lambda options: prune(options, dry_run=False), prepare=for_prune),
    "verify": Scenario(
        words=("verify", "--repair"),
        again=lambda options: verify(options, (), repair=True, store_wide=False, progress=NoProgress()),
        prepare=for_verify,
    ),
    "add": Scenario(
        words=("add", "other", "3.13"),
        again=lambda options: add(options, "other", {"version": "3.13"}),
        prepare=for_add,
    ),
}
