"""A process that waits names the holder, and gives up after its timeout; `tests.bytes` has places without locks."""

from __future__ import annotations

import os

import pytest

from provision.lock.read import read_lock
from provision.model.tree import store_key
from provision.store.archives import ArchiveCache
from provision.store.layout import Store
from provision.store.locks import tree_lock
from tests.concurrency.crowd import crowd
from tests.crash import invariants
from tests.support.project import Project

IN_USE = f"is in use by pytest (pid {os.getpid()} on {os.uname().nodename})"


def first(project: Project) -> tuple[str, ArchiveCache]:
    """The key of the first entry, and the cache."""
    locked = read_lock(project.lock).lock.pythons[0]
    return store_key(locked.assets[0], locked.tree), ArchiveCache(project.cache)


@pytest.fixture(autouse=True)
def _our_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lock notes name the program by its arguments, and pytest has many."""
    monkeypatch.setattr("sys.argv", ["pytest"])


def test_a_waiting_sync_names_the_holder_and_continues(project: Project) -> None:
    key, _ = first(project)
    with tree_lock(Store(project.home), key), crowd([(project, ("sync",))]) as (member,):
        said = ""
        while "waiting" not in said:
            assert member.process.stderr is not None
            said += member.process.stderr.readline()
        assert f"{key} {IN_USE}; waiting" in said
        assert member.process.poll() is None
    project.run("sync")


def test_a_waiting_download_names_the_holder(project: Project) -> None:
    locked = read_lock(project.lock).lock.pythons[0]
    cache = ArchiveCache(project.cache)
    with cache.lock(locked.assets[0].sha256):
        ended = project.run("sync", expect=1, PROVISION_LOCK_TIMEOUT="0.5")
    assert f"the archive {locked.assets[0].sha256.hex[:12]}… {IN_USE}" in ended.err
    project.run("sync")


@pytest.mark.parametrize("words", [("sync",), ("verify", "--repair")])
def test_a_wait_ends_after_its_timeout(project: Project, words: tuple[str, ...]) -> None:
    key, _ = first(project)
    Store(project.home).tree(key).mkdir(parents=True)  # without a receipt: something to repair
    with tree_lock(Store(project.home), key):
        ended = project.run(*words, expect=1, PROVISION_LOCK_TIMEOUT="0.2")
    assert f"{key} {IN_USE}; gave up after 0.2 s" in ended.err
    assert ended.err.count("error:") == 1
    assert "PROVISION_LOCK_TIMEOUT" in ended.err
    invariants.check_no_lock_held(project.home, project.cache)
    project.run("sync")


def test_a_prune_skips_trees_that_other_processes_work_on(project: Project) -> None:
    project.run("sync")
    key, _ = first(project)
    project.write(project.manifest.read_text().replace("[pythons]", "[pythons]\n# nothing\n").partition("b2026")[0])
    project.run("sync")
    with tree_lock(Store(project.home), key):
        assert "1 tree kept, because other processes use them" in project.run("prune").err
    assert key in project.run("prune").out


def test_a_timeout_that_is_not_a_number_is_a_usage_error(project: Project) -> None:
    ended = project.run("sync", expect=2, PROVISION_LOCK_TIMEOUT="soon")
    assert "PROVISION_LOCK_TIMEOUT: expected a number of seconds, 0 or more; got 'soon'" in ended.err
