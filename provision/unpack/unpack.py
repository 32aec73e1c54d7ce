"""Owns the way from a verified archive to a tree in staging; each step's rules are in the module named after it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from io import FileIO
from pathlib import Path

from provision.errors import IntegrityError, store_failures
from provision.install.unpack.ahead import ahead
from provision.install.unpack.building import Building
from provision.install.unpack.destination import Destination
from provision.install.unpack.members import Members
from provision.install.unpack.refusal import Refusal, TooLarge, shown
from provision.install.unpack.routing import Routing
from provision.install.unpack.slim import left_out
from provision.install.unpack.stream import Stream
from provision.model.asset import Asset
from provision.model.tree import DIRECTORY_MODE, Entry, Without
from provision.model.value import frozen
from provision.unpack.compression import decompressed, kind_of
from provision.unpack.limits import VARIABLE, Limits
from provision.unpack.members import Names
from provision.unpack.selection import layout_of
from provision.unpack.tar import TarMembers
from provision.unpack.writer import Collision

_HINT = "these are the bytes that the lock asks for: lock another build, or tell those who published this one"
_HINT_TOO_LARGE = f"if you know that it is that large, set {VARIABLE}, to 8G for example"


@frozen
class Unpacked:
    """What was written: every entry by its path (the caller's to change), and what a user should be told."""

    entries: dict[str, Entry]
    notes: tuple[str, ...] = ()


def unpack(
    archive: Path,
    into: Path,
    *,
    asset: Asset,
    extras: Path | None,
    limits: Limits,
    without: tuple[Without, ...],
    destination: Destination | None = None,
) -> Unpacked:
    """Unpack an archive whose hash was verified into an existing empty directory, which becomes the tree's root.

    ``extras`` is where PYTHON.json and the licences of a full archive go; it is made if it is missing. ``without``
    names the parts not to write. ``destination`` is found out if not given.
    Raises `IntegrityError` if the archive is damaged, unsafe or over ``limits``, and `StoreError` if it cannot be
    written; the caller then removes ``into`` and ``extras``: anything may be in them, and nothing is outside of them.
    """
    with store_failures("unpack", into):
        try:
            with archive.open("rb", buffering=0) as file:
                destination = destination or Destination.of(into)
                return _unpack(file, into, extras, asset, limits, without, destination)
        except Refusal as refusal:
            hint = _HINT_TOO_LARGE if isinstance(refusal, TooLarge) else _HINT
            raise IntegrityError(f"{asset.filename}: {refusal}", hint=hint) from refusal


def _unpack(
    file: FileIO,
    into: Path,
    extras: Path | None,
    asset: Asset,
    limits: Limits,
    without: tuple[Without, ...],
    destination: Destination,
) -> Unpacked:
    budget = limits.budget(file.seek(0, 2))
    windows = asset.target.os == "windows"
    fold = destination.folds or windows or asset.target.os == "macos"
    gone = left_out(without)
    with ExitStack() as stack:
        tree = stack.enter_context(closing(Building(into, destination, fold=fold)))
        beside = None
        if extras is not None and asset.flavor == "full":
            extras.mkdir(DIRECTORY_MODE, exist_ok=True)
            beside = stack.enter_context(closing(Building(extras, destination, fold=fold)))
        routing = Routing(
            names=Names(windows=windows or os.name == "nt"),
            layout=layout_of(asset),
            gone=gone,
            tree=tree,
            beside=beside,
            spare=budget,
        )
        members = stack.enter_context(_members(file, limits, budget))
        _take_all(members, routing)
        if not tree.entries:
            raise Refusal("holds nothing of an interpreter where this kind of archive has it")
        tree.finish(gone)
        if beside is not None:
            beside.finish(gone)
        return Unpacked(entries=tree.entries, notes=tuple(_notes(tree.collisions)))


def _take_all(members: Members, routing: Routing) -> None:
    last = None
    try:
        for member in members:
            last = member.name
            routing.take(member, members.content)
    except Refusal as refusal:
        refusal.last = last
        raise


@contextmanager
def _members(file: FileIO, limits: Limits, budget: int) -> Iterator[Members]:
    """The members of an archive of any kind; a thread that unpacks them ahead ends with this context."""
    kind = kind_of(file)
    if kind == "zip":
        from provision.unpack.zip import ZipMembers

        yield ZipMembers(file, most=limits.members, budget=budget)
        return
    with closing(ahead(decompressed(file, kind, limits=limits))) as chunks:
        yield TarMembers(Stream(chunks, budget), most=limits.members)


def _notes(collisions: list[Collision]) -> Iterator[str]:
    if collisions:
        first = collisions[0]
        yield (
            f"terminal descriptions left out, as their names differ from others' in case only: {len(collisions)}; "
            f"the first is {shown(first.path)}, which would take the place of {shown(first.with_path)}"
        )
