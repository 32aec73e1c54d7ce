"""Roots say which trees manifests need; nothing that a root lists is forgotten because it cannot be read or found."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from provision.errors import LockTimeoutError
from provision.model.tree import RECIPE
from provision.model.value import replace
from provision.store.identity import make_identity
from provision.store.layout import Store
from provision.store.roots import (
    GRACE,
    Root,
    is_recorded,
    note_confirmed,
    read_roots,
    record_root,
    remove_roots,
    roots_lock,
)
from tests.support.strangers import as_stranger
from tests.support.together import run_together


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    (tmp_path / "project").mkdir()
    (tmp_path / "project/pythons.toml").touch()
    return tmp_path / "project/pythons.toml"


def only_root(store: Store) -> tuple[Path, Root]:
    ((path, root),) = read_roots(store).items()
    assert root is not None
    return path, root


def test_the_keys_of_a_manifest_are_recorded(store: Store, manifest: Path) -> None:
    assert record_root(store, manifest, ["b", "a", "b"])
    identity = make_identity(manifest.parent)
    assert only_root(store)[1] == Root(manifest=manifest, identity=identity, recipe=RECIPE, keys=("a", "b"))
    assert identity


def test_the_last_record_counts(store: Store, manifest: Path) -> None:
    for key in ("old", "new"):
        record_root(store, manifest, [key])
    assert only_root(store)[1].keys == ("new",)


def test_two_manifests_of_one_project_have_two_roots(store: Store, manifest: Path) -> None:
    record_root(store, manifest, ["a"])
    record_root(store, manifest.with_name("ci.toml"), ["b"])
    assert sorted(root.keys for root in read_roots(store).values() if root) == [("a",), ("b",)]


def test_two_projects_that_used_the_same_path_have_two_roots(store: Store, manifest: Path) -> None:
    record_root(store, manifest, ["a"])
    manifest.parent.rename(manifest.parent.with_name("elsewhere"))
    manifest.parent.mkdir()
    record_root(store, manifest, ["b"])
    assert sorted(root.keys for root in read_roots(store).values() if root) == [("a",), ("b",)]


def test_projects_without_identities_at_one_path_have_a_root_for_each_set_of_trees(store: Store) -> None:
    manifest = Path("/proc/project/pythons.toml")
    for keys in (["a"], ["b"], ["a"]):
        assert record_root(store, manifest, keys)
    assert sorted(root.keys for root in read_roots(store).values() if root) == [("a",), ("b",)]
    assert not is_recorded(store, manifest, "a")


def test_an_equal_record_is_not_written_again(store: Store, manifest: Path) -> None:
    record_root(store, manifest, ["a"])
    before = only_root(store)[0].stat()
    record_root(store, manifest, ["a"])
    assert only_root(store)[0].stat() == before


def test_recorded_keys_and_environments_need_not_be_recorded_again(
    store: Store, manifest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not is_recorded(store, manifest, "a")
    record_root(store, manifest, ["a"])
    assert is_recorded(store, manifest, "a")
    assert not is_recorded(store, manifest, "b")
    assert not is_recorded(store, manifest.with_name("ci.toml"), "a")
    environment = manifest.parent.with_name("venv")
    environment.mkdir()
    (environment / "pyvenv.cfg").write_text(f"home = {store.tree('a')}/bin\n")
    monkeypatch.setenv("VIRTUAL_ENV", str(environment))
    assert not is_recorded(store, manifest, "a")
    record_root(store, manifest, ["a"])
    assert is_recorded(store, manifest, "a")
    assert only_root(store)[1].environments == (environment,)
    monkeypatch.delenv("VIRTUAL_ENV")
    record_root(store, manifest, ["a"])
    assert only_root(store)[1].environments == (environment,)
    (environment / "pyvenv.cfg").unlink()
    record_root(store, manifest, ["a"])
    assert only_root(store)[1].environments == ()


def test_an_unconfirmed_root_is_kept_for_a_grace_period(store: Store, manifest: Path) -> None:
    record_root(store, manifest, ["a"])

    def note(now: int, *, confirmed: bool = False) -> int | None:
        note_confirmed(*only_root(store), confirmed=confirmed, now=now)
        return only_root(store)[1].unconfirmed_since

    assert note(1000) == 1000
    assert note(1000 + GRACE - 1) == 1000
    assert not is_recorded(store, manifest, "a"), "whoever uses it renews it"
    assert note(2000, confirmed=True) is None
    assert note(5000) == 5000
    assert note(4000) == 4000, "the clock was wrong before"
    record_root(store, manifest, ["a"])
    assert only_root(store)[1].unconfirmed_since is None
    note(1000)
    note_confirmed(*only_root(store), confirmed=False, now=1000 + GRACE)
    assert read_roots(store) == {}


def test_removing_roots_also_removes_leftovers_of_killed_runs(store: Store, manifest: Path) -> None:
    record_root(store, manifest, ["a"])
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    (store.roots / f".0123.json.{dead.pid}.4567.new").touch()
    (store.roots / "README").touch()
    remove_roots(store, [only_root(store)[0]])
    assert [path.name for path in store.roots.iterdir()] == ["README"]


def test_paths_need_not_be_utf_8(store: Store, tmp_path: Path) -> None:
    odd = tmp_path / os.fsdecode(b"caf\xe9 \n")
    odd.mkdir()
    record_root(store, odd / "pythons.toml", ["a"])
    assert only_root(store)[1].manifest == odd / "pythons.toml"


def test_a_missing_store_has_no_records(store: Store) -> None:
    assert read_roots(store) == {}
    assert not store.home.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b"\0" * 100,
        {"root": 3},
        {"root": 1},
        {"manifest": "relative"},
        {"manifest": "/\0"},
        {"manifest": "/\ud800"},
        {"keys": [1]},
        {"keys": ["../../etc"]},
        {"environments": ["relative"]},
        {"environments": ["/\ud800"]},
        {"unconfirmed-since": -1},
    ],
)
def test_damaged_and_newer_roots_are_none_and_are_recorded_again(
    store: Store, manifest: Path, content: bytes | dict[str, object]
) -> None:
    record_root(store, manifest, ["a"])
    path, _ = only_root(store)
    document = json.loads(path.read_bytes())
    path.write_bytes(content if isinstance(content, bytes) else json.dumps({**document, **content}).encode())
    assert read_roots(store) == {path: None}
    record_root(store, manifest, ["a"])
    assert only_root(store)[1].keys == ("a",)


def test_a_root_cut_at_any_byte_is_damaged(store: Store, manifest: Path) -> None:
    record_root(store, manifest, ["a", "b"])
    path, _ = only_root(store)
    whole = path.read_bytes()
    for length in range(len(whole) - 1):
        path.write_bytes(whole[:length])
        assert read_roots(store)[path] is None, length


def test_members_that_a_later_version_adds_are_ignored(store: Store, manifest: Path) -> None:
    record_root(store, manifest, ["a"])
    path, root = only_root(store)
    path.write_text(json.dumps({**json.loads(path.read_bytes()), "more": [1]}))
    assert only_root(store)[1] == root == replace(root, unconfirmed_since=None)


def test_recording_waits_for_a_running_prune(store: Store, manifest: Path) -> None:
    said: list[str] = []
    with roots_lock(store), pytest.raises(LockTimeoutError):
        record_root(store, manifest, ["a"], timeout=0.1, on_wait=said.append)
    assert said[0].startswith("the list of projects is in use by ")


def test_a_read_only_store_keeps_no_records(public_path: Path) -> None:
    store = Store(public_path / "home")
    record_root(store, public_path / "pythons.toml", ["a"])
    for path in (*store.home.iterdir(), store.home):
        path.chmod(0o555)
    for path in (*store.locks.iterdir(), *store.roots.iterdir()):
        path.chmod(0o444)
    code = f"""
from pathlib import Path
from provision.store.layout import Store
from provision.store.roots import read_roots, record_root
store = Store(Path({str(store.home)!r}))
print(record_root(store, Path("/pythons.toml"), ["b"]), [root.keys for root in read_roots(store).values()])
"""
    assert as_stranger(code) == "False [('a',)]\n"
    for path in (store.home, *store.home.iterdir()):
        path.chmod(0o755)


def test_a_root_that_is_removed_and_recorded_again_is_not_damaged(store: Store, manifest: Path) -> None:
    record_root(store, manifest, ["a"])
    path, root = only_root(store)
    done: list[bool] = []

    def record_again() -> None:
        away = store.home / "away"
        for _ in range(5000):
            path.rename(away)
            away.rename(path)
        done.append(True)

    def read() -> None:
        while not done:
            assert read_roots(store) in ({}, {path: root})

    run_together(record_again, read, read, read)
