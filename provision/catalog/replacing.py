"""Owns replacing a kept catalog by what upstream answered: what is refused, and what the user is told of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

from provision.catalog.inference import infer_options
from provision.catalog.kept import ETAG, ORIGIN, RULES, RULES_FACT, keep, load_kept
from provision.catalog.pbs import Reading
from provision.catalog.snapshot import Snapshot, bundled
from provision.catalog.snapshot_format import DamagedSnapshotError
from provision.catalog.snapshot_writer import renewed, write_snapshot
from provision.errors import CatalogError
from provision.model.asset import Asset, Digest
from provision.model.value import frozen

_SHOWN = 5


@frozen
class Refreshed:
    """What `catalog update` did. ``new`` counts the assets that no catalog at hand knew before."""

    outcome: Literal["updated", "unchanged"]
    origin: str
    as_of: str
    count: int
    new: int = 0
    notes: tuple[str, ...] = ()


@frozen
class Answer:
    """Where upstream's answer came from, and when (RFC 3339); ``etag`` is empty where it gave none."""

    origin: str
    etag: str
    as_of: str

    def facts(self) -> dict[str, str]:
        return {RULES_FACT: RULES, ORIGIN: self.origin, ETAG: self.etag}


def kept_before(path: Path) -> Snapshot | None:
    """The catalog to be replaced; a damaged one counts as none, as it is about to be written anew."""
    try:
        return load_kept(path)
    except DamagedSnapshotError:
        return None


def replace_kept(path: Path, before: Snapshot | None, reading: Reading, answer: Answer) -> Refreshed:
    """Keep the new catalog. Raises `CatalogError` for one that cannot be whole: empty, or shrunk to less than half."""
    before_count = before.count if before is not None else 0
    if not reading.assets or 2 * len(reading.assets) < before_count:
        raise CatalogError(
            f"{answer.origin} lists {len(reading.assets)} assets; {before_count or 'thousands'} were expected",
            hint=f"If that is right, remove {path} and try again.",
        )
    keep(path, write_snapshot(infer_options(reading.assets), as_of=answer.as_of, facts=answer.facts()))
    known = {asset.url: asset.sha256 for asset in _known(reading.assets, before)}
    return Refreshed(
        outcome="updated",
        origin=answer.origin,
        as_of=answer.as_of,
        count=len(reading.assets),
        new=sum(asset.url not in known for asset in reading.assets),
        notes=(*_unknown(reading.unknown), *_disputed(reading.assets, known)),
    )


def renew_kept(path: Path, answer: Answer) -> Refreshed:
    """Note down that the kept catalog is still upstream's newest; raises `CatalogError` if it went away meanwhile."""
    try:
        data = renewed(path.read_bytes(), as_of=answer.as_of, facts=answer.facts())
        count = Snapshot(data).count
    except (OSError, DamagedSnapshotError) as error:
        raise CatalogError(
            f"{path} changed during the update: {error}", hint="Run `provision catalog update` again."
        ) from error
    keep(path, data)
    return Refreshed(outcome="unchanged", origin=answer.origin, as_of=answer.as_of, count=count)


def _known(assets: Iterable[Asset], before: Snapshot | None) -> Iterator[Asset]:
    """What was known of the same builds; the bundled snapshot comes last, as its word counts most."""
    builds = {(asset.implementation, asset.version, asset.build) for asset in assets}
    for source in (before, bundled()):
        if source is not None:
            for build in builds:
                yield from source.assets(*build)


def _unknown(urls: tuple[str, ...]) -> Iterator[str]:
    if urls:
        names = ", ".join(url.rpartition("/")[2] for url in urls[:_SHOWN])
        more = ", …" if len(urls) > _SHOWN else ""
        yield f"{len(urls)} assets left out, as this version of provision cannot read their names: {names}{more}"


def _disputed(assets: Iterable[Asset], known: dict[str, Digest]) -> Iterator[str]:
    for asset in assets:
        sha256 = known.get(asset.url, asset.sha256)
        if sha256 != asset.sha256:
            yield f"upstream now lists sha256 {asset.sha256} for {asset.filename}; {sha256} was known"
