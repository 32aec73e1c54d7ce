"""Locked assets and their inventories."""

from __future__ import annotations

from provision.catalog.components import bundled_table
from provision.lock.lock import LockedPython
from provision.model.asset import Asset
from provision.model.value import replace
from provision.model.version import Version
from provision.sbom.inventory import Inventory, take_inventory
from tests.lock.samples import asset
from tests.review.test_components import GNU, MAC, WINDOWS, entry

LOCKED = entry("3.13.13+20260602", (GNU, MAC, WINDOWS))
PYPY = replace(asset("3.11.15+7.3.20", implementation="pypy"), version=Version.parse("3.11.15"))
OTHERS = asset("3.15.0rc1+20260814")  # of another publisher


def rows(*pythons: LockedPython) -> list[tuple[str, Asset]]:
    return [(python.name, each) for python in pythons for each in python.assets]


def inventory(*pairs: tuple[str, Asset], epoch: int | None = None) -> Inventory:
    """Of the pairs; without any, of CPython on three systems, PyPy and an archive of another publisher."""
    everything = [*rows(LOCKED), ("pypy", PYPY), ("own", OTHERS), ("again", OTHERS)]
    return take_inventory("tools/pythons.lock", pairs or everything, bundled_table(), epoch=epoch)
