"""Many processes, one lock, one store: each archive is downloaded once, all succeed, no needed tree is removed.

The archives are small (`tests.support.small`); the subject is who waits for whom.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from provision.lock.read import read_lock
from provision.model.tree import store_key
from provision.store.layout import Store
from provision.store.receipts import installed_receipts
from tests.concurrency.crowd import copies, crowd
from tests.crash import invariants
from tests.support.builds import Build, write_catalog
from tests.support.project import Project
from tests.support.server import Server
from tests.support.small import small_build
from tests.support.tally import count


def fetched(server: Server) -> Counter[str]:
    """How often each archive was requested from its beginning."""
    return Counter(seen.path for seen in server.requests if "/cpython-" in seen.path and "range" not in seen.headers)


def check_all_synced(project: Project, server: Server, tmp_path: Path, processes: int, *, trees: int) -> None:
    tasks = [(copy, ("sync", "--locked", "-v")) for copy in copies(project, tmp_path / "copies", processes)]
    with crowd(tasks) as members:
        ended = [member.end() for member in members]
    assert [one.code for one in ended] == [0] * processes, [one.err for one in ended if one.code]
    assert set(fetched(server).values()) == {1}
    assert len(fetched(server)) == trees
    assert sum(one.err.count("unpack") for one in ended) == trees, "each tree was made by one of them"
    assert len(invariants.check_visible_trees(project.home)) == trees
    invariants.check_no_lock_held(project.home, project.cache)
    for copy, _ in tasks:
        invariants.check_links(copy)
    invariants.check_tidy(project)
    count("processes syncing at once", processes)


def test_eight_processes_sync_the_same_lock_file(project: Project, server: Server, tmp_path: Path) -> None:
    check_all_synced(project, server, tmp_path, 8, trees=2)


@pytest.mark.slow
def test_thirty_two_processes_sync_the_same_lock_file(project: Project, server: Server, tmp_path: Path) -> None:
    check_all_synced(project, server, tmp_path, 32, trees=2)


@pytest.mark.slow
def test_thirty_two_processes_sync_real_interpreters(
    project: Project, server: Server, tmp_path: Path, builds: tuple[Build, ...]
) -> None:
    write_catalog(server.root, builds)
    entries = "".join(f"{build.label} = {build.entry}\n" for build in builds)
    project.write(f'[settings]\ncatalogs = ["{server.url}/catalog.ndjson"]\n\n[pythons]\n{entries}')
    project.run("lock")
    check_all_synced(project, server, tmp_path, 32, trees=len(builds))


def test_processes_in_the_same_project_do_not_disturb_each_other(project: Project, server: Server) -> None:
    with crowd([(project, ("sync",))] * 6) as members:
        ended = [member.end() for member in members]
    assert [one.code for one in ended] == [0] * 6, [one.err for one in ended if one.code]
    assert set(fetched(server).values()) == {1}
    invariants.check_links(project)
    invariants.check_tidy(project)


ANY = (
    ("prune",),
    ("sync", "--prune"),
    ("verify", "--store"),
    ("verify", "--store", "--repair"),
    ("verify", "--repair"),
    ("list",),
    ("status",),
)


def live_of(project: Project) -> set[str]:
    """The keys that the project's lock requests."""
    return {store_key(asset, python.tree) for python in read_lock(project.lock).lock.pythons for asset in python.assets}


def live_on(project: Project, locks: Sequence[bytes], seed: int, end: float) -> int:
    """Change the lock, sync, run anything, and find that all needed trees are still there; until the time is over."""
    dice, ran = random.Random(seed), 0
    while time.monotonic() < end:
        project.lock.write_bytes(dice.choice(locks))
        project.run("sync", "--frozen")
        project.run(*dice.choice(ANY))
        assert live_of(project) <= {receipt.key for receipt in installed_receipts(Store(project.home))}, (
            "a live tree was removed"
        )
        project.run("verify")
        ran += 3
    return ran


def mix(project: Project, server: Server, tmp_path: Path, seconds: float) -> int:
    """Four projects at once, whose locks request different trees in turn; how many commands ran."""
    builds = [small_build(tmp_path / "builds", number, more=200_000) for number in (1, 2, 3)]
    write_catalog(server.root, builds)
    head = project.manifest.read_text().partition("[pythons]")[0]
    locks = []
    for chosen in (builds[:1], builds[:2], builds[1:]):
        project.write(head + "[pythons]\n" + "".join(f"b{build.name.build} = {build.entry}\n" for build in chosen))
        project.run("lock")
        locks.append(project.lock.read_bytes())
    end = time.monotonic() + seconds
    with ThreadPoolExecutor(4) as pool:
        lives = [
            pool.submit(live_on, one, locks, seed, end)
            for seed, one in enumerate(copies(project, tmp_path / "mixed", 4))
        ]
    ran = sum(life.result() for life in lives)
    invariants.check_visible_trees(project.home)
    invariants.check_no_lock_held(project.home, project.cache)
    return ran


def test_mixed_commands_run_in_parallel_for_a_moment(project: Project, server: Server, tmp_path: Path) -> None:
    assert mix(project, server, tmp_path, 0.5)


@pytest.mark.slow
def test_mixed_commands_run_in_parallel_for_a_minute(project: Project, server: Server, tmp_path: Path) -> None:
    count("commands of four projects mixed in one store", mix(project, server, tmp_path, 60))
