"""Kills and full disks at every step of every change to a store: afterwards there is the old state or the new one, no
lock is held, and the next run completes and leaves nothing behind.

Steps that only fill or empty a staging directory are similar; the quick tests use the first and the last of each series
of them, the slow ones all.
"""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

import pytest

from provision.model.value import replace
from provision.store.hashing import Difference
from provision.store.layout import Store
from provision.store.links import read_links
from provision.store.locks import tree_lock
from provision.store.publish import check_tree
from provision.store.receipts import read_receipt, write_receipt
from provision.store.roots import read_roots, record_root
from tests.store.samples import ASSET, FREE, Choice, install, link_project, variant
from tests.store.scenarios import DEFAULT, FREE_CHOICE, REFUSED, SCENARIOS
from tests.support.killer import ROOT, Step, Victim, python, was_killed

DAMAGE = (Difference("lib/python3.13/os.py", "missing"),)


class Bench:
    """A sandbox that is reset to the state before the change for each kill."""

    def __init__(self, scenario: str, sandbox: Path) -> None:
        self.scenario, self.sandbox = scenario, sandbox
        self.before = sandbox.with_name("before")
        self.store = Store(sandbox / "home")
        command = python("-m", "tests.store.scenarios", scenario, str(self.store.home))
        self.victim = Victim(command=command, under=sandbox, cwd=ROOT, env={})
        sandbox.mkdir(exist_ok=True)

    def remember(self) -> None:
        """Record the current state as the old one."""
        shutil.copytree(self.sandbox, self.before, symlinks=True)

    def reset(self) -> None:
        shutil.rmtree(self.sandbox)
        shutil.copytree(self.before, self.sandbox, symlinks=True)

    def steps(self, every: bool) -> Sequence[Step]:
        self.reset()
        steps = self.victim.trace()
        return steps if every else tuple(_telling(steps))

    def finish(self) -> None:
        """Run the change again, undisturbed, and check that nothing of the earlier run is left."""
        with tree_lock(self.store, DEFAULT.key, timeout=0), tree_lock(self.store, "roots", timeout=0):
            pass
        SCENARIOS[self.scenario](self.store.home)
        if self.store.staging.exists():
            assert list(self.store.staging.iterdir()) == []
        assert not [path for path in self.sandbox.rglob("*") if path.name.endswith(".new")]


def _telling(steps: Sequence[Step]) -> Iterator[Step]:
    for alike, row in groupby(steps, key=lambda step: "staging" in step.path.parts and step.event != "os.rename"):
        listed = list(row)
        yield from (listed[0], listed[-1]) if alike else listed


@pytest.fixture(params=["quick", pytest.param("every", marks=pytest.mark.slow)])
def every(request: pytest.FixtureRequest) -> bool:
    return bool(request.param == "every")


def kills(bench: Bench, every: bool) -> Iterator[Step]:
    """Kill the change at each step; the loop's body checks the state in between, and this function the rest."""
    bench.remember()
    for step in bench.steps(every):
        bench.reset()
        assert was_killed(bench.victim.kill_at(step.number)), step
        yield step
        bench.finish()


def test_a_kill_while_publishing_leaves_no_tree_or_a_complete_one(tmp_path: Path, every: bool) -> None:
    bench = Bench("publish", tmp_path / "sandbox")
    seen = set()
    for _ in kills(bench, every):
        receipt = read_receipt(bench.store, DEFAULT.key)
        assert receipt is None or check_tree(bench.store, receipt) == ()
        seen.add(receipt is None)
    assert seen == {True, False}
    assert read_receipt(bench.store, DEFAULT.key)


def test_a_kill_while_replacing_leaves_the_damaged_tree_or_a_complete_one(tmp_path: Path, every: bool) -> None:
    bench = Bench("publish", tmp_path / "sandbox")
    install(bench.store, extras=True)
    (bench.store.tree(DEFAULT.key) / "lib/python3.13/os.py").unlink()
    seen = set()
    for _ in kills(bench, every):
        receipt = read_receipt(bench.store, DEFAULT.key)
        assert receipt, "it is there all the time"
        differences = check_tree(bench.store, receipt)
        assert differences in ((), DAMAGE)
        assert (bench.store.extras(DEFAULT.key) / "PYTHON.json").exists()
        seen.add(differences)
    assert seen == {(), DAMAGE}


def test_a_kill_while_removing_leaves_a_complete_tree_or_none(tmp_path: Path, every: bool) -> None:
    bench = Bench("remove", tmp_path / "sandbox")
    install(bench.store, extras=True)
    seen = set()
    for _ in kills(bench, every):
        receipt = read_receipt(bench.store, DEFAULT.key)
        assert receipt is None or check_tree(bench.store, receipt) == ()
        assert receipt or not bench.store.tree(DEFAULT.key).exists(), "no tree without a receipt"
        seen.add(receipt is None)
    assert seen == {True, False}
    assert list(bench.store.receipts.iterdir()) == []


def test_a_kill_while_pruning_leaves_complete_trees_and_keeps_the_needed_one(tmp_path: Path, every: bool) -> None:
    bench = Bench("prune_all", tmp_path / "sandbox")
    live = install(bench.store, variant(9))
    for asset in (ASSET, FREE) if every else (ASSET,):
        install(bench.store, asset)
    record_root(bench.store, bench.sandbox / "pythons.toml", [live.key])
    for _ in kills(bench, every):
        for key in (live.key, DEFAULT.key, FREE_CHOICE.key):
            receipt = read_receipt(bench.store, key)
            assert receipt is None or check_tree(bench.store, receipt) == ()
        assert read_receipt(bench.store, live.key)
    assert [path.name for path in bench.store.trees.iterdir()] == [live.key]


def test_a_kill_while_recording_leaves_the_old_root_or_the_new_one(tmp_path: Path, every: bool) -> None:
    bench = Bench("record", tmp_path / "sandbox")
    record_root(bench.store, bench.sandbox / "pythons.toml", ["old"])
    seen = set()
    for _ in kills(bench, every):
        (root,) = read_roots(bench.store).values()
        seen.add(root and root.keys)
    assert seen == {("old",), (FREE_CHOICE.key,)}


def test_a_kill_while_linking_leaves_each_link_old_or_new(tmp_path: Path, every: bool) -> None:
    bench = Bench("relink", tmp_path / "sandbox")
    link_project(bench.sandbox, bench.store, [DEFAULT, Choice(name="old", asset=variant(9))])
    for _ in kills(bench, every):
        links = read_links(bench.sandbox, bench.store)
        assert links["default"] in (DEFAULT.key, FREE_CHOICE.key)
        assert links.keys() <= {"default", "old"}
        assert (bench.sandbox / ".pythons/.gitignore").read_text() == "*\n"
    assert read_links(bench.sandbox, bench.store) == {"default": FREE_CHOICE.key}
    assert [path.name for path in (bench.sandbox / ".pythons/bin").iterdir()] == ["python3.13t"]


def test_a_kill_while_marking_a_tree_as_durable_leaves_the_mark_off_or_on(tmp_path: Path, every: bool) -> None:
    bench = Bench("make_all_durable", tmp_path / "sandbox")
    older = replace(install(bench.store), boot="00000000-an-earlier-boot", settled=False)
    write_receipt(bench.store, older)
    seen = set()
    for _ in kills(bench, every):
        receipt = read_receipt(bench.store, DEFAULT.key)
        assert receipt in (older, replace(older, boot="", settled=True))
        seen.add(receipt)
    assert len(seen) == 2


SLOW = pytest.mark.slow


@pytest.mark.parametrize(
    ("scenario", "error"),
    [
        ("publish", errno.ENOSPC),
        pytest.param("relink", errno.ENOSPC, marks=SLOW),
        pytest.param("remove", errno.ENOSPC, marks=SLOW),
        pytest.param("record", errno.ENOSPC, marks=SLOW),
        pytest.param("publish", errno.EIO, marks=SLOW),
        pytest.param("prune_all", errno.EIO, marks=SLOW),
    ],
)
def test_a_failing_disk_is_reported_in_one_sentence_and_loses_nothing(
    tmp_path: Path, scenario: str, error: int, every: bool
) -> None:
    bench = Bench(scenario, tmp_path / "sandbox")
    link_project(bench.sandbox, bench.store, [DEFAULT])
    if scenario != "publish":
        install(bench.store, extras=True)
    bench.remember()
    for step in bench.steps(every):
        if "locks" in step.path.parts and step.event != "open":
            continue  # other tests let the note of a lock, or the lock itself, fail
        bench.reset()
        process = bench.victim.fail_at(step.number, error)
        if process.returncode:
            assert process.returncode == REFUSED or "tests/store/samples.py" in process.stderr, process.stderr
        receipt = read_receipt(bench.store, DEFAULT.key)
        assert receipt is None or check_tree(bench.store, receipt) == ()
        bench.finish()
