"""Who needs a tree: projects by their roots and lock files, virtual environments.

A tree is needed if a root lists it, or the lock file of a root's manifest does. So no tree is lost because of a lock
file that was changed and not synced yet, or because this process can read less of a project than others can.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Literal

from provision.host.files import exists
from provision.model.tree import RECIPE
from provision.model.value import frozen
from provision.store.environments import active_environment, environment_keys, find_environments
from provision.store.identity import read_identity
from provision.store.layout import Store
from provision.store.roots import GRACE, ReadLockedKeys, Root, note_confirmed, read_roots

# What exists at the path of a root's project.
State = Literal["present", "unreadable", "missing", "replaced", "other recipe"]


@frozen
class Need:
    """A manifest or a virtual environment that needs a tree.

    ``state`` is what exists at the path of the manifest now. From the time ``until`` (Unix) on it no longer counts;
    None if no prune has noticed its state, or if it always counts.
    """

    kind: Literal["manifest", "environment"]
    path: Path
    state: State = "present"
    until: int | None = None

    @property
    def confirmed(self) -> bool:
        """Whether it counts without a time limit."""
        return self.state in ("present", "unreadable")


@frozen
class Needs:
    """What is needed, by key. While roots are ``damaged``, other needs are unknown, and nothing may be removed."""

    by_key: Mapping[str, tuple[Need, ...]]
    damaged: tuple[Path, ...]


def find_needs(
    store: Store, read_locked_keys: ReadLockedKeys, *, forget: Collection[Path] = (), own: Path | None = None
) -> Needs:
    """All that projects need, without those whose roots are in ``forget``. Virtual environments are not searched.

    ``own`` is a manifest whose root is about to be recorded again; only its lock file counts.
    """
    needed: dict[str, list[Need]] = {}
    roots = read_roots(store)
    for path, root in roots.items():
        if root is None or path in forget:
            continue
        listed = read_locked_keys(root.manifest)
        need = _need_of(root, listed)
        listed = listed if need.state == "present" else None
        recorded = () if root.manifest == own and listed is not None else root.keys
        for key in {*recorded, *(listed or ())}:
            needed.setdefault(key, []).append(need)
    damaged = tuple(path for path, root in roots.items() if root is None and path not in forget)
    return Needs(by_key={key: tuple(needs) for key, needs in needed.items()}, damaged=damaged)


def find_environment_needs(store: Store) -> dict[str, tuple[Need, ...]]:
    """The virtual environments of all projects on record, by the keys of the trees that they were made from."""
    needed: dict[str, list[Need]] = {}
    for environment in sorted(set(_environments(store))):
        for key in environment_keys(store, environment):
            needed.setdefault(key, []).append(Need(kind="environment", path=environment))
    return {key: tuple(needs) for key, needs in needed.items()}


def roots_of(store: Store, read_locked_keys: ReadLockedKeys, place: Path) -> tuple[Path, ...]:
    """The files of the roots to forget for a manifest, a project's directory, or a root's own file.

    A project that still exists keeps its root, as its next sync would record it again.
    """
    place = place.absolute()
    found = []
    for path, root in read_roots(store).items():
        named = path == place or (root is not None and place in (root.manifest, root.manifest.parent))
        if named and not (root and _need_of(root, read_locked_keys(root.manifest)).state == "present"):
            found.append(path)
    return tuple(found)


def note_states(store: Store, read_locked_keys: ReadLockedKeys) -> None:
    """Record which roots are confirmed, and forget those that have long been unconfirmed; the caller holds
    `roots_lock`.
    """
    now = int(time.time())
    for path, root in read_roots(store).items():
        if root is not None:
            note_confirmed(path, root, confirmed=_need_of(root, read_locked_keys(root.manifest)).confirmed, now=now)


def _need_of(root: Root, listed: Collection[str] | None) -> Need:
    since = root.unconfirmed_since
    state = _state(root, listed)
    until = None if since is None or state in ("present", "unreadable") else since + GRACE
    return Need(kind="manifest", path=root.manifest, state=state, until=until)


def _state(root: Root, listed: Collection[str] | None) -> State:
    project = root.manifest.parent
    try:
        project.stat()
        identity = read_identity(project)
    except (FileNotFoundError, NotADirectoryError):
        return "missing"
    except OSError:  # it may belong to another user
        return "unreadable"
    if identity != root.identity or (not identity and listed is not None and set(listed) != set(root.keys)):
        return "replaced"
    if not exists(root.manifest) and not exists(root.manifest.with_suffix(".lock")):
        return "missing"
    return "present" if root.recipe == RECIPE else "other recipe"


def _environments(store: Store) -> Iterator[Path]:
    active = active_environment(store)
    if active:
        yield active
    roots = [root for root in read_roots(store).values() if root is not None]
    for root in roots:
        yield from root.environments
    for project in {root.manifest.parent for root in roots}:
        yield from find_environments(project)
