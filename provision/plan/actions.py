"""Owns the plan's values, what a sync would do action by action; `plan.decide` makes, `install.apply` does them."""

from __future__ import annotations

from collections.abc import Iterator

from provision.model.asset import Asset
from provision.model.digest import Digest
from provision.model.tree import TreeOptions, store_key
from provision.model.value import frozen


@frozen
class Selected:
    """One entry's choice for one machine: the asset to have, and how its tree is made.

    ``foreign`` tells that the asset is for another machine: its tree is neither probed nor linked into the project.
    """

    name: str
    asset: Asset
    tree: TreeOptions = TreeOptions()
    foreign: bool = False

    @property
    def key(self) -> str:
        """The tree's name in the store."""
        return store_key(self.asset, self.tree)


@frozen
class Keep:
    """The tree is installed and linked as it should be."""

    selected: Selected


@frozen
class Install:
    """The tree is missing or ``damaged``: fetch it unless ``cached``, unpack it. ``names`` are all that share it."""

    selected: Selected
    names: tuple[str, ...]
    cached: bool
    damaged: bool = False


@frozen
class Link:
    """The project's link is missing or leads elsewhere. ``previous`` is the key it led to, if any."""

    selected: Selected
    previous: str | None


@frozen
class Unlink:
    """The project has a link that no entry asks for."""

    name: str


@frozen
class Remove:
    """No project needs this tree any more (only with ``--prune``)."""

    key: str


Action = Keep | Install | Link | Unlink | Remove


@frozen
class Plan:
    """All actions of one sync, and the lock they follow from. ``lock`` is the digest of the lock file's bytes."""

    lock: Digest
    actions: tuple[Action, ...] = ()

    @property
    def is_empty(self) -> bool:
        """True when nothing would change."""
        return all(isinstance(action, Keep) for action in self.actions)

    def installs(self) -> Iterator[Install]:
        return (action for action in self.actions if isinstance(action, Install))

    def downloads(self) -> tuple[Asset, ...]:
        """The distinct assets to fetch, in the order of the plan."""
        wanted = {
            action.selected.asset.sha256: action.selected.asset for action in self.installs() if not action.cached
        }
        return tuple(wanted.values())
