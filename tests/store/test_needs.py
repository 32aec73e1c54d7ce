"""Trees are live if they are recorded or read; what cannot be read keeps everything that it listed."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from pathlib import Path

import pytest

from provision.model.tree import RECIPE
from provision.model.value import replace
from provision.store.layout import Store
from provision.store.needs import Need, State, find_environment_needs, find_needs, note_states, roots_of
from provision.store.roots import GRACE, Root, read_roots, record_root, write_root
from tests.support.strangers import as_stranger


def unknown(manifest: Path) -> Collection[str] | None:
    """No lock can be read."""
    del manifest
    return None


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    (tmp_path / "project").mkdir()
    (tmp_path / "project/pythons.toml").touch()
    return tmp_path / "project/pythons.toml"


@pytest.fixture
def recorded(store: Store, manifest: Path) -> Path:
    """The file of the root of a manifest that needs the tree ``a``."""
    record_root(store, manifest, ["a"])
    return next(iter(read_roots(store)))


def states(store: Store, listed: Collection[str] | None = None) -> dict[str, State]:
    needs = find_needs(store, lambda _: listed)
    return {key: need.state for key, (need,) in needs.by_key.items()}


def root_of(path: Path, store: Store) -> Root:
    root = read_roots(store)[path]
    assert root is not None
    return root


@pytest.mark.usefixtures("recorded")
def test_trees_of_the_record_and_of_the_lock_file_are_needed(store: Store, manifest: Path) -> None:
    assert states(store) == {"a": "present"}
    assert states(store, ["b"]) == {"a": "present", "b": "present"}
    assert states(store, []) == {"a": "present"}
    assert find_needs(store, lambda _: ["b"], own=manifest).by_key.keys() == {"b"}
    assert find_needs(store, unknown, own=manifest).by_key.keys() == {"a"}


def remove_project(manifest: Path) -> None:
    shutil.rmtree(manifest.parent)


def remove_manifest(manifest: Path) -> None:
    manifest.unlink()


def remove_identity(manifest: Path) -> None:
    """An empty directory, on which a volume is to be mounted, or a clone of the project."""
    shutil.rmtree(manifest.parent / ".pythons")


def replace_project(manifest: Path) -> None:
    """Another container's project at the same path."""
    shutil.rmtree(manifest.parent / ".pythons")
    record_root(Store(manifest.parent.with_name("another store")), manifest, [])


def file_in_place(manifest: Path) -> None:
    shutil.rmtree(manifest.parent)
    manifest.parent.touch()


@pytest.mark.parametrize(
    ("change", "state"),
    [
        (remove_project, "missing"),
        (remove_manifest, "missing"),
        (file_in_place, "replaced"),
        (remove_identity, "replaced"),
        (replace_project, "replaced"),
    ],
)
def test_a_missing_project_keeps_its_trees_for_a_grace_period(
    store: Store, manifest: Path, recorded: Path, change: object, state: State
) -> None:
    assert callable(change)
    change(manifest)
    assert states(store, ["b"]) == {"a": state}
    note_states(store, unknown)
    since = root_of(recorded, store).unconfirmed_since
    assert since
    assert find_needs(store, unknown).by_key["a"] == (
        Need(kind="manifest", path=manifest, state=state, until=since + GRACE),
    )
    write_root(recorded, replace(root_of(recorded, store), unconfirmed_since=since - GRACE))
    note_states(store, unknown)
    assert find_needs(store, unknown).by_key == {}


def test_a_project_that_returns_is_no_longer_unconfirmed(store: Store, manifest: Path, recorded: Path) -> None:
    moved = manifest.parent.rename(manifest.parent.with_name("moved"))
    note_states(store, unknown)
    assert root_of(recorded, store).unconfirmed_since
    moved.rename(manifest.parent)
    note_states(store, unknown)
    assert root_of(recorded, store).unconfirmed_since is None


@pytest.mark.parametrize("recipe", [RECIPE - 1, RECIPE + 1])
def test_trees_of_another_recipe_are_needed_as_well(store: Store, recorded: Path, recipe: int) -> None:
    other = replace(root_of(recorded, store), recipe=recipe, keys=("b",))
    write_root(recorded.with_name(f"{'0' * 24}.json"), other)
    assert states(store, ["c"]) == {"a": "present", "b": "other recipe", "c": "present"}


def test_a_project_without_an_identity_is_confirmed_by_its_lock(store: Store, manifest: Path) -> None:
    store.roots.mkdir(parents=True)
    root = Root(manifest=manifest, identity="", recipe=RECIPE, keys=("a",))
    write_root(store.roots / f"{'0' * 24}.json", root)
    assert states(store, ["a"]) == {"a": "present"}
    assert states(store, None) == {"a": "present"}
    assert states(store, ["b"]) == {"a": "replaced"}


def test_a_project_that_cannot_be_read_is_never_forgotten(public_path: Path) -> None:
    store, manifest = Store(public_path / "home"), public_path / "private/project/pythons.toml"
    manifest.parent.mkdir(parents=True)
    manifest.touch()
    record_root(store, manifest, ["a"])
    (public_path / "private").chmod(0)
    code = f"""
from pathlib import Path
from provision.store.layout import Store
from provision.store.needs import find_needs
needs = find_needs(Store(Path({str(store.home)!r})), lambda _: None)
print({{key: need.state for key, (need,) in needs.by_key.items()}})
"""
    assert as_stranger(code) == "{'a': 'unreadable'}\n"
    (public_path / "private").chmod(0o755)
    assert Need(kind="manifest", path=manifest, state="unreadable").confirmed


def test_damaged_roots_are_reported_and_can_be_forgotten(store: Store, recorded: Path) -> None:
    recorded.write_bytes(b"")
    assert find_needs(store, unknown).damaged == (recorded,)
    assert find_needs(store, unknown, forget=[recorded]).damaged == ()
    assert roots_of(store, unknown, recorded) == (recorded,)


def test_a_project_is_forgotten_by_any_of_its_paths_unless_it_exists(
    store: Store, manifest: Path, recorded: Path
) -> None:
    names = (manifest, manifest.parent, recorded)
    assert [roots_of(store, unknown, name) for name in names] == [(), (), ()]
    shutil.rmtree(manifest.parent)
    assert [roots_of(store, unknown, name) for name in names] == [(recorded,)] * 3
    assert roots_of(store, unknown, manifest.parent.parent) == ()
    assert find_needs(store, unknown, forget=[recorded]).by_key == {}


def test_environments_of_projects_need_trees(store: Store, manifest: Path, recorded: Path, tmp_path: Path) -> None:
    inside, outside = manifest.parent / ".tox/py313", tmp_path / "outside"
    for path in (inside, outside):
        path.mkdir(parents=True)
        (path / "pyvenv.cfg").write_text(f"home = {store.tree('b')}/bin\n")
    assert find_environment_needs(store) == {"b": (Need(kind="environment", path=inside),)}
    write_root(recorded, replace(root_of(recorded, store), environments=(outside,)))
    assert find_environment_needs(store) == {
        "b": (Need(kind="environment", path=outside), Need(kind="environment", path=inside))
    }
