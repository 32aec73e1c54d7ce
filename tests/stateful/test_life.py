"""A project's life as a state machine: Hypothesis edits, locks, syncs, kills, corrupts, prunes and moves in any order.

After each step, the invariants of `tests.crash.invariants` are checked. The model knows what the manifest requests,
what is locked, and which trees were damaged behind the store's back; the archives are small (`tests.support.small`).
Commands run in this process, except those that are killed.
"""

from __future__ import annotations

import shutil
import signal
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from provision.errors import LockFileError
from provision.lock.read import read_lock
from provision.model.tree import store_key
from provision.protocols import NoProgress
from provision.store.hashing import Difference
from provision.store.layout import Store
from provision.store.publish import check_tree
from provision.store.receipts import installed_receipts, read_receipt
from provision.store.roots import read_roots
from provision.workflows.edit import add, remove
from provision.workflows.lock import check_lock, lock
from provision.workflows.options import Options, Scope
from provision.workflows.plan import plan
from provision.workflows.store import cache_clean, prune, verify
from provision.workflows.sync import sync
from tests.crash import invariants
from tests.support.builds import Build, write_catalog
from tests.support.killer import Victim, python
from tests.support.project import Project
from tests.support.server import Server
from tests.support.small import small_build
from tests.support.tally import count

NAMES = ("a", "b", "c")
COMMANDS = (("sync",), ("sync", "--prune"), ("lock",), ("prune",), ("verify", "--repair"), ("remove", "a"))


class Life(RuleBasedStateMachine):
    """One project with its own home and cache, and a server that never fails.

    What a rule does depends on the state, what it draws does not: a killed process does not leave the same state each
    time, and Hypothesis needs the same choices to lead to the same draws.
    """

    def __init__(self) -> None:
        super().__init__()
        self.cleanup = ExitStack()
        self.folder = Path(self.cleanup.enter_context(tempfile.TemporaryDirectory()))
        (self.folder / "www").mkdir()
        self.server = self.cleanup.enter_context(Server(self.folder / "www"))
        self.builds: Sequence[Build] = [small_build(self.folder / "builds", number) for number in (1, 2, 3)]
        write_catalog(self.server.root, self.builds)
        self.project = Project(self.folder / "project")
        self.project.write(f'[settings]\ncatalogs = ["{self.server.url}/catalog.ndjson"]\n\n[pythons]\n')
        self.damaged: dict[str, tuple[Difference, ...]] = {}
        self.moves = 0

    def teardown(self) -> None:
        self.cleanup.close()

    @property
    def options(self) -> Options:
        return Options.of(self.project.environ(), manifest=self.project.manifest)

    @property
    def store(self) -> Store:
        return Store(self.project.home)

    @property
    def declared(self) -> set[str]:
        text = self.project.manifest.read_text()
        return {name for name in NAMES if f"\n{name} = " in text}

    def needed(self) -> set[str]:
        """The keys that the lock requests."""
        if not self.project.lock.exists():
            return set()
        pythons = read_lock(self.project.lock).lock.pythons
        return {store_key(asset, python.tree) for python in pythons for asset in python.assets}

    @initialize()
    def begin(self) -> None:
        self.add_entry("a", 0)

    @rule(name=st.sampled_from(NAMES), number=st.integers(0, 2))
    def add_entry(self, name: str, number: int) -> None:
        if name in self.declared:
            remove(self.options, (name,))
        build = self.builds[number].name
        add(self.options, name, {"version": str(build.version), "build": build.build, "flavor": build.flavor})
        assert name in self.declared

    @rule(name=st.sampled_from(NAMES))
    def remove_entry(self, name: str) -> None:
        if self.declared <= {name} or name not in self.declared:
            return
        remove(self.options, (name,))
        assert name not in self.declared

    @rule()
    def make_lock(self) -> None:
        lock(self.options)
        assert check_lock(self.options).stale == ()
        before = self.project.lock.read_bytes()
        assert not lock(self.options).changed
        assert self.project.lock.read_bytes() == before

    @rule(pruning=st.booleans())
    def make_it_so(self, pruning: bool) -> None:
        sync(self.options, Scope(prune=pruning), NoProgress())
        assert self.needed() <= {receipt.key for receipt in installed_receipts(self.store)}
        assert plan(self.options, Scope()).plan.is_empty
        for name in self.declared:
            # Within a boot, a sync only checks the interpreter; `verify` finds other damage.
            assert (self.project.directory / ".pythons" / name / "bin/python").exists()
        invariants.check_tidy(self.project)

    @rule()
    def take_what_nobody_needs(self) -> None:
        roots = [root for root in read_roots(self.store).values() if root]
        needed = self.needed().union(*(root.keys for root in roots))
        live = needed & {receipt.key for receipt in installed_receipts(self.store)}
        prune(self.options, dry_run=False)
        there = {receipt.key for receipt in installed_receipts(self.store)}
        assert there <= live, "what nobody needs is gone"
        recorded = any(self.store.roots.glob("*.json")) if self.store.roots.exists() else False
        assert there or not live or not recorded
        self.damaged = {key: value for key, value in self.damaged.items() if key in there}

    @rule(
        number=st.integers(0, 5),
        path=st.sampled_from(["bin/python3.13", "lib/python3.13/os.py", "share/empty"]),
        removing=st.booleans(),
    )
    def corrupt(self, number: int, path: str, removing: bool) -> None:
        receipts = installed_receipts(self.store)
        if not receipts:
            return
        receipt = receipts[number % len(receipts)]
        tree = self.store.tree(receipt.key)
        if not (tree / path).exists():
            return
        if removing:
            (tree / path).unlink()
        else:
            (tree / path).write_bytes(b"not what it was")
        self.damaged[receipt.key] = check_tree(self.store, receipt)
        assert self.damaged[receipt.key]

    @rule()
    def mend(self) -> None:
        if not self.project.lock.exists():
            return
        trees = verify(self.options, (), repair=True, store_wide=False, progress=NoProgress()).trees
        assert all(tree.sound or tree.missing for tree in trees)
        assert {tree.key for tree in trees if tree.differences} <= set(self.damaged)
        for tree in trees:
            self.damaged.pop(tree.key, None)
        missing = {tree.key for tree in trees if tree.missing}
        assert self.needed() <= missing | {receipt.key for receipt in installed_receipts(self.store)}

    @rule()
    def empty_the_cache(self) -> None:
        cache_clean(self.options, unused=False)

    @rule(command=st.sampled_from(COMMANDS), share=st.floats(0, 1), number=st.sampled_from([9, 2, 15]))
    def kill(self, command: tuple[str, ...], share: float, number: int) -> None:
        """Kill a command somewhere, in a separate process; it may also finish, or refuse."""
        before = {receipt.key for receipt in installed_receipts(self.store)} & self.needed()
        recorded = any(self.store.roots.glob("*.json")) if self.store.roots.exists() else False
        victim = Victim(
            command=python("-m", "provision", *command),
            under=self.folder,
            cwd=self.project.directory,
            env=self.project.environ(),
        )
        process = victim.kill_at(1 + round(share * 100), number=signal.Signals(number))
        assert process.returncode in (0, 1, 2, 4, -9, 130, 143), process.stderr
        assert "Traceback" not in process.stderr, process.stderr
        invariants.check_no_lock_held(self.project.home, self.project.cache)
        there = {receipt.key for receipt in installed_receipts(self.store)}
        if recorded and command[0] != "remove":
            assert before & self.needed() <= there, "a live tree was lost"
        self.damaged = {key: now for key in self.damaged if key in there and (now := self._differences(key))}
        count("commands ended by the state machine")

    def _differences(self, key: str) -> tuple[Difference, ...]:
        receipt = read_receipt(self.store, key)
        return check_tree(self.store, receipt) if receipt else ()

    @rule()
    def move_the_home(self) -> None:
        """Trees run from anywhere: the home is moved, and the next sync finds everything there."""
        self.moves += 1
        there = self.folder / f"home-{self.moves}"
        if self.project.home.exists():
            shutil.move(self.project.home, there)
        self.project.home = there

    @rule()
    def a_missing_lock_is_said(self) -> None:
        if self.project.lock.exists():
            return
        with pytest.raises(LockFileError):
            check_lock(self.options)

    @invariant()
    def every_visible_tree_is_whole_or_was_damaged_by_us(self) -> None:
        invariants.check_visible_trees(self.project.home, but=self.damaged.values())

    @invariant()
    def nothing_is_held_or_half_written(self) -> None:
        invariants.check_no_lock_held(self.project.home, self.project.cache)
        invariants.check_modes(self.project.home, self.project.cache)
        invariants.check_catalogs(self.project.cache)
        state = invariants.State.of(self.project)
        invariants.check_files(self.project, [state])
        count("states looked at by the state machine")


# No shrinking: each try is a life of many processes, and minutes of them would hide the original failure.
_BASE = settings(
    deadline=None,
    suppress_health_check=list(HealthCheck),
    database=None,
    phases=(Phase.explicit, Phase.generate),
)


def test_a_short_sequence_of_commands_keeps_the_invariants() -> None:
    run_state_machine_as_test(Life, settings=settings(_BASE, max_examples=8, stateful_step_count=12))


@pytest.mark.slow
def test_a_long_sequence_of_commands_keeps_the_invariants() -> None:
    run_state_machine_as_test(Life, settings=settings(_BASE, max_examples=30, stateful_step_count=30))
