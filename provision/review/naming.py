"""Owns comparing a locked row with what the name of its file means, or with what a catalog says it is."""

from __future__ import annotations

from typing import Literal

from provision.catalog.names import MUSL_DYNAMIC_SINCE, ParsedName, parse_name
from provision.model.asset import Asset
from provision.model.build import OPTIMISATIONS, BuildOptions
from provision.model.value import frozen

Property = Literal["implementation", "version", "build", "target", "cpu", "options", "flavor"]


@frozen
class Disagreement:
    """One property of a row that its file's name, or its catalog, says otherwise."""

    what: Property
    meant: str
    locked: str
    file: str
    source: Literal["name", "catalog"] = "name"

    @property
    def meaning(self) -> str:
        """``version 3.14.2``, ``build options none``."""
        return f"{'build options' if self.what == 'options' else self.what} {self.meant or 'none'}"

    @property
    def message(self) -> str:
        """A sentence without a full stop."""
        means = "means" if self.source == "name" else "is, as the catalog knows,"
        return f"{self.file} {means} {self.meaning}, and is locked as {self.locked or 'none'}"


def disagreements(asset: Asset) -> tuple[Disagreement, ...]:
    """Where a row and the name of its file say different things; nothing for names that are of no known grammar."""
    name = parsed(asset)
    if name is None:
        return ()
    pairs: tuple[tuple[Property, object, object], ...] = (
        ("version", name.version, asset.version),
        ("build", name.build, asset.build),
        ("target", name.target, asset.target),
        ("cpu", name.cpu, asset.cpu),
        ("options", _told(name, name.options), _told(name, asset.options)),
        ("flavor", name.flavor, asset.flavor),
    )
    return _unequal(pairs, asset, "name")


def unlike(asset: Asset, known: Asset) -> tuple[Disagreement, ...]:
    """Where a row and the catalog's row of the same URL say different things."""
    pairs: tuple[tuple[Property, object, object], ...] = (
        ("implementation", known.implementation, asset.implementation),
        ("version", known.version, asset.version),
        ("build", known.build, asset.build),
        ("target", known.target, asset.target),
        ("cpu", known.cpu, asset.cpu),
        ("options", known.options, asset.options),
        ("flavor", known.flavor, asset.flavor),
    )
    return _unequal(pairs, asset, "catalog")


def parsed(asset: Asset) -> ParsedName | None:
    """What the file's name says, if it is one of python-build-standalone's."""
    try:
        return parse_name(asset.filename)
    except ValueError:
        pass
    try:  # the names of the early eras do not tell their release
        return parse_name(asset.filename, asset.build)
    except ValueError:
        return None


def _unequal(
    pairs: tuple[tuple[Property, object, object], ...], asset: Asset, source: Literal["name", "catalog"]
) -> tuple[Disagreement, ...]:
    return tuple(
        Disagreement(what=what, meant=str(meant), locked=str(locked), file=asset.filename, source=source)
        for what, meant, locked in pairs
        if meant != locked
    )


def _told(name: ParsedName, options: BuildOptions) -> BuildOptions:
    """The options that a name of this kind tells of: those of `install_only` archives leave the optimisation out."""
    unsaid = set(OPTIMISATIONS) if name.flavor != "full" else set()
    if name.era == "A" and not name.options.names & OPTIMISATIONS:
        unsaid |= OPTIMISATIONS
    if name.target.libc == "musl" and name.build < MUSL_DYNAMIC_SINCE:
        unsaid.add("static")
    return BuildOptions(options.names - unsaid)
