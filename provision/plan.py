"""`Plan`: what a sync will do, action by action, and its JSON document.

`plan_sync` is a pure function of what the lock file selects and what is on disk. `workflows.plan` collects the two,
`install.apply` and `workflows.sync` execute the plan.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from provision.model.asset import Asset, Digest
from provision.model.target import Target
from provision.model.tree import TreeOptions, store_key
from provision.model.value import frozen

PLAN_VERSION = 1  # of the JSON document


@frozen
class Selected:
    """The asset selected for one entry on one machine, and the options of its tree.

    A ``foreign`` asset is for another machine: its tree is neither probed nor linked into the project.
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
class LeftOut:
    """An entry whose targets in the manifest exclude the machine; ``target`` is that of the machine."""

    name: str
    target: Target


@frozen
class Keep:
    """The tree is installed, and linked if it should be."""

    selected: Selected


@frozen
class Install:
    """The tree is missing or ``damaged``: fetch its archive unless ``cached``, and unpack it.

    ``names`` are the entries that share the tree.
    """

    selected: Selected
    names: tuple[str, ...]
    cached: bool
    damaged: bool = False


@frozen
class Link:
    """The project's link is missing, or leads to another tree: ``previous`` is the key of that, if any."""

    selected: Selected
    previous: str | None


@frozen
class Unlink:
    """The project has a link that belongs to no entry."""

    name: str


@frozen
class Remove:
    """This tree is not used by any project (only with ``--prune``)."""

    key: str


Action = Keep | Install | Link | Unlink | Remove


@frozen
class Plan:
    """All actions of one sync; ``lock`` is the digest of the lock file that they were planned for.

    ``left_out`` are the entries that are not for the machines of the plan.
    """

    lock: Digest
    actions: tuple[Action, ...] = ()
    left_out: tuple[LeftOut, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing would change."""
        return all(isinstance(action, Keep) for action in self.actions)

    def installs(self) -> Iterator[Install]:
        return (action for action in self.actions if isinstance(action, Install))

    def downloads(self) -> tuple[Asset, ...]:
        """The distinct assets to fetch, in the order of the plan."""
        missing = {
            action.selected.asset.sha256: action.selected.asset for action in self.installs() if not action.cached
        }
        return tuple(missing.values())


@frozen
class Inventory:
    """What is on disk, as far as it concerns the selection.

    ``installed`` are the keys with a receipt and an intact tree, ``damaged`` those whose tree differs from the receipt,
    ``cached`` the archives in the cache, ``links`` the project's links (name to key; an empty key if the link leads out
    of the store), ``removable`` the keys that no project needs.
    """

    installed: frozenset[str] = frozenset()
    damaged: frozenset[str] = frozenset()
    cached: frozenset[Digest] = frozenset()
    links: Mapping[str, str]
    removable: tuple[str, ...] = ()


def plan_sync(
    selection: Sequence[Selected],
    inventory: Inventory,
    *,
    lock: Digest,
    partial: bool = False,
    prune: bool = False,
    left_out: tuple[LeftOut, ...] = (),
) -> Plan:
    """Compare what the lock file selects with what is on disk.

    Each key is installed once; installs come before links, and links before what is no longer needed. A ``partial``
    selection (the user named entries) leaves the links of other entries alone.
    """
    installs: dict[str, Install] = {}
    keeps: list[Action] = []
    links: list[Action] = []
    for selected in selection:
        key = selected.key
        linked = selected.foreign or inventory.links.get(selected.name) == key
        if key not in inventory.installed:
            earlier = installs.get(key)
            names = (*earlier.names, selected.name) if earlier else (selected.name,)
            installs[key] = Install(
                selected=selected,
                names=names,
                cached=selected.asset.sha256 in inventory.cached,
                damaged=key in inventory.damaged,
            )
        elif linked:
            keeps.append(Keep(selected=selected))
        if not linked:
            links.append(Link(selected=selected, previous=inventory.links.get(selected.name)))

    linked_names = {selected.name for selected in selection if not selected.foreign}
    unlinks = () if partial else tuple(Unlink(name=name) for name in sorted(set(inventory.links) - linked_names))
    needed = {selected.key for selected in selection}
    removes = tuple(Remove(key=key) for key in sorted(set(inventory.removable) - needed)) if prune else ()
    return Plan(lock=lock, actions=(*keeps, *installs.values(), *links, *unlinks, *removes), left_out=left_out)


def plan_document(plan: Plan) -> dict[str, object]:
    """The plan as JSON values, for `plan --json` and saved plans; equal plans give equal documents."""
    downloads = plan.downloads()
    sizes = [asset.size for asset in downloads]
    return {
        "version": PLAN_VERSION,
        "lock": f"sha256:{plan.lock}",
        "empty": plan.is_empty,
        "actions": [_action(action) for action in plan.actions],
        "left-out": left_out_document(plan.left_out),
        "summary": {
            "keep": _count(plan, Keep),
            "install": _count(plan, Install),
            "link": _count(plan, Link),
            "unlink": _count(plan, Unlink),
            "remove": _count(plan, Remove),
            "downloads": len(downloads),
            "download-bytes": sum(size or 0 for size in sizes),
            "downloads-of-unknown-size": sizes.count(None),
        },
    }


def left_out_notes(left_out: Sequence[LeftOut]) -> Iterator[str]:
    """``alpine, embed: not for linux-x86_64``: a note for each target."""
    for target in dict.fromkeys(each.target for each in left_out):
        names = ", ".join(each.name for each in left_out if each.target == target)
        yield f"{names}: not for {target.short}"


def left_out_document(left_out: Sequence[LeftOut]) -> list[dict[str, object]]:
    """Entries that are left out, as JSON values."""
    return [{"name": each.name, "target": str(each.target)} for each in left_out]


def _count(plan: Plan, kind: type[Action]) -> int:
    return sum(isinstance(action, kind) for action in plan.actions)


def _action(action: Action) -> dict[str, object]:
    match action:
        case Keep(selected=selected):
            return {"action": "keep", **_selected(selected)}
        case Install(selected=selected, names=names, cached=cached, damaged=damaged):
            return {
                "action": "install",
                **_selected(selected),
                "names": list(names),
                "cached": cached,
                "damaged": damaged,
                **_asset(selected.asset),
            }
        case Link(selected=selected, previous=previous):
            return {"action": "link", **_selected(selected), "previous": previous}
        case Unlink(name=name):
            return {"action": "unlink", "name": name}
        case Remove(key=key):
            return {"action": "remove", "key": key}


def _selected(selected: Selected) -> dict[str, object]:
    asset = selected.asset
    return {"name": selected.name, "key": selected.key, "target": str(asset.target), "cpu": asset.cpu}


def _asset(asset: Asset) -> dict[str, object]:
    return {"url": asset.url, "sha256": str(asset.sha256), "size": asset.size}
