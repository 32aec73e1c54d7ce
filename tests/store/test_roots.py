"""Roots say which trees projects need; damaged ones and those of missing projects count for nothing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path

import pytest

from provision.errors import LockTimeoutError
from provision.store.layout import Store
from provision.store.roots import (
    Root,
    forget_missing_projects,
    live_keys,
    read_roots,
    record_root,
    root_path,
    roots_lock,
)
from tests.support.strangers import as_stranger


def unknown(project: Path) -> Collection[str] | None:
    """No lock can be read."""
    del project
    return None


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "project").mkdir()
    return tmp_path / "project"


def test_a_project_s_keys_are_on_record(store: Store, project: Path) -> None:
    assert record_root(store, project, ["b", "a", "b"])
    assert read_roots(store) == (Root(project=project, keys=("a", "b")),)
    assert live_keys(store, unknown) == {"a", "b"}


def test_the_last_record_counts(store: Store, project: Path) -> None:
    record_root(store, project, ["old"])
    record_root(store, project, ["new"])
    assert live_keys(store, unknown) == {"new"}
    assert len(list(store.roots.iterdir())) == 1


def test_an_equal_record_is_not_written_again(store: Store, project: Path) -> None:
    record_root(store, project, ["a"])
    before = root_path(store, project).stat()
    record_root(store, project, ["a"])
    assert root_path(store, project).stat() == before


def test_what_the_lock_lists_by_now_is_needed_and_nothing_else(store: Store, project: Path) -> None:
    record_root(store, project, ["a", "b"])
    assert live_keys(store, lambda _: {"b", "c"}) == {"b", "c"}
    assert live_keys(store, lambda _: ()) == set()


def test_a_project_that_is_gone_needs_nothing_and_is_forgotten(store: Store, project: Path, tmp_path: Path) -> None:
    record_root(store, project, ["a"])
    record_root(store, tmp_path, ["b"])
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    (store.roots / f".0123.json.{dead.pid}.4567.new").touch()
    project.rmdir()
    assert live_keys(store, unknown) == {"b"}
    forget_missing_projects(store)
    assert read_roots(store) == (Root(project=tmp_path, keys=("b",)),)
    assert len(list(store.roots.iterdir())) == 1


def test_a_project_that_cannot_be_looked_at_is_not_gone(public_path: Path) -> None:
    store = Store(public_path / "home")
    (public_path / "private/project").mkdir(parents=True)
    record_root(store, public_path / "private/project", ["a"])
    (public_path / "private").chmod(0)
    code = f"""
from pathlib import Path
from provision.store.layout import Store
from provision.store.roots import live_keys
print(live_keys(Store(Path({str(store.home)!r})), lambda _: None))
"""
    assert as_stranger(code) == "{'a'}\n"
    (public_path / "private").chmod(0o755)


def test_paths_need_not_be_utf_8(store: Store, tmp_path: Path) -> None:
    odd = tmp_path / os.fsdecode(b"caf\xe9 \n")
    odd.mkdir()
    record_root(store, odd, ["a"])
    assert read_roots(store) == (Root(project=odd, keys=("a",)),)


def test_in_a_store_that_is_not_there_nothing_is_on_record(store: Store) -> None:
    assert read_roots(store) == ()
    assert not store.home.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b"\0" * 100,
        b'{"root": 2, "project": "/", "keys": []}',
        b'{"root": 1, "project": "relative", "keys": []}',
        b'{"root": 1, "project": "/\\u0000", "keys": []}',
        b'{"root": 1, "project": "/\\ud800", "keys": []}',
        b'{"root": 1, "project": "/", "keys": [1]}',
        b'{"root": 1, "project": "/", "keys": ["a"]}',
    ],
)
def test_damaged_and_foreign_records_hold_nothing(store: Store, project: Path, content: bytes) -> None:
    record_root(store, project, ["a"])
    root_path(store, project).write_bytes(content)
    assert read_roots(store) == ()
    record_root(store, project, ["a"])
    assert live_keys(store, unknown) == {"a"}


def test_keys_that_lead_elsewhere_are_left_out(store: Store, project: Path) -> None:
    record_root(store, project, [])
    path = root_path(store, project)
    path.write_text(json.dumps({**json.loads(path.read_text()), "keys": ["../../etc", "a", "/"]}))
    assert live_keys(store, unknown) == {"a"}


def test_recording_waits_for_a_prune_that_judges(store: Store, project: Path) -> None:
    said: list[str] = []
    with roots_lock(store), pytest.raises(LockTimeoutError):
        record_root(store, project, ["a"], timeout=0.1, on_wait=said.append)
    assert said[0].startswith("the list of projects is in use by ")


def test_a_store_that_may_only_be_read_keeps_no_record(public_path: Path) -> None:
    store = Store(public_path / "home")
    record_root(store, public_path, ["a"])
    for path in (*store.home.iterdir(), store.home):
        path.chmod(0o555)
    for path in (*store.locks.iterdir(), *store.roots.iterdir()):
        path.chmod(0o444)
    code = f"""
from pathlib import Path
from provision.store.layout import Store
from provision.store.roots import live_keys, record_root
store = Store(Path({str(store.home)!r}))
print(record_root(store, Path("/"), ["b"]), live_keys(store, lambda _: None))
"""
    assert as_stranger(code) == "False {'a'}\n"
    for path in (store.home, *store.home.iterdir()):
        path.chmod(0o755)


def test_a_moved_project_is_another_one(store: Store, project: Path) -> None:
    record_root(store, project, ["a"])
    moved = project.rename(project.with_name("moved"))
    assert live_keys(store, unknown) == set()
    record_root(store, moved, ["a"])
    assert live_keys(store, unknown) == {"a"}
    shutil.rmtree(moved)
