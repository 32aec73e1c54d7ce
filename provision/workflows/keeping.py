"""Owns what a project's lock lets the store keep; the store asks, as it cannot read locks itself."""

from __future__ import annotations

from pathlib import Path

from provision.errors import ProvisionError
from provision.lock.lock import Lock
from provision.lock.read import read_lock
from provision.model.tree import store_key
from provision.workflows.project import LOCK_NAME


def locked_keys(lock: Lock) -> frozenset[str]:
    """Every key that the lock can lead to, on any machine: one file serves them all, and so may one store."""
    return frozenset(store_key(asset, python.tree) for python in lock.pythons for asset in python.assets)


def keys_of_project(project: Path) -> frozenset[str] | None:
    """The keys of the lock in a project's directory; None where it cannot be read, so that nothing is given up."""
    try:
        return locked_keys(read_lock(project / LOCK_NAME).lock)
    except ProvisionError:
        return None
