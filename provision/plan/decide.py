"""Owns the decision what a sync does, a pure function of the selection and what is on disk; `install` does it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from provision.model.digest import Digest
from provision.model.value import frozen
from provision.plan.actions import Action, Install, Keep, Link, Plan, Remove, Selected, Unlink


@frozen
class Inventory:
    """What is on disk, as far as the selection is concerned.

    ``installed`` are the keys with a receipt and a tree to rely on, ``damaged`` those whose tree is not what the
    receipt says, ``cached`` the archives at hand, ``links`` the project's links (name to key, the empty text where a
    link leads out of the store), ``removable`` the keys no project needs.
    """

    installed: frozenset[str] = frozenset()
    damaged: frozenset[str] = frozenset()
    cached: frozenset[Digest] = frozenset()
    links: Mapping[str, str]
    removable: tuple[str, ...] = ()


def decide(
    selection: Sequence[Selected], inventory: Inventory, *, lock: Digest, partial: bool = False, prune: bool = False
) -> Plan:
    """Compare what the lock selects with what is there.

    Installs come first, each key once, then links, then what is no longer asked for. A ``partial`` selection (names
    were given) leaves the links of other entries alone.
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

    asked = {selected.name for selected in selection if not selected.foreign}
    unlinks = () if partial else tuple(Unlink(name=name) for name in sorted(set(inventory.links) - asked))
    needed = {selected.key for selected in selection}
    removes = tuple(Remove(key=key) for key in sorted(set(inventory.removable) - needed)) if prune else ()
    return Plan(lock=lock, actions=(*keeps, *installs.values(), *links, *unlinks, *removes))
