"""Archives of bundles: all that are needed are hashed, then put into the cache."""

from __future__ import annotations

from collections.abc import Sequence

from provision.errors import NetworkError, ProvisionError, cache_failures, raise_all
from provision.fetch.fetcher import digest_in_cache
from provision.fetch.part import PartFile
from provision.fleet.bundle_read import Bundle
from provision.model.asset import Asset, Digest
from provision.model.value import frozen
from provision.plan import Install
from provision.protocols import Progress
from provision.store.archives import ArchiveCache
from provision.text import plural


@frozen
class FoundArchive:
    """An archive that is not in the cache, and the bundle that has it."""

    asset: Asset
    bundle: Bundle


def find_archives(
    bundles: Sequence[Bundle], installs: Sequence[Install], cache: ArchiveCache, *, lock_name: str
) -> tuple[FoundArchive, ...]:
    """The archives of ``installs`` that are not in the cache, found in bundles and hashed; nothing is written.

    Raises `NetworkError` with all archives that the bundles lack, and `IntegrityError` for those that differ from the
    lock.
    """
    found: dict[Digest, FoundArchive] = {}
    lacking: list[Install] = []
    for install in installs:
        asset = install.selected.asset
        if _is_cached(cache, asset.sha256):
            continue
        having = next((bundle for bundle in bundles if bundle.has(asset.sha256)), None)
        if having is None:
            lacking.append(install)
        else:
            found[asset.sha256] = FoundArchive(asset=asset, bundle=having)
    if lacking:
        raise _lacking_error(bundles, lacking, lock_name)
    errors: list[ProvisionError] = []
    for each in found.values():
        try:
            for _ in each.bundle.pieces(each.asset.sha256):
                pass
        except ProvisionError as error:
            errors.append(error)
    raise_all(errors)
    return tuple(found.values())


def _is_cached(cache: ArchiveCache, digest: Digest) -> bool:
    with cache_failures("read the cache", cache.path(digest)):
        return digest_in_cache(cache.path(digest)) == digest.hex


def import_archive(
    found: FoundArchive, cache: ArchiveCache, progress: Progress, *, lock_timeout: float | None = None
) -> None:
    """Put an archive into the cache; its digest is checked once more. ``lock_timeout`` is in seconds."""
    asset = found.asset
    with cache.lock(asset.sha256, timeout=lock_timeout, on_wait=progress.note):
        part = PartFile(cache.path(asset.sha256), ".bundle")
        part.open()
        try:
            part.restart()
            progress.start(asset.sha256.hex, asset.title, "copy", asset.size)
            offset = 0
            for piece in found.bundle.pieces(asset.sha256):
                part.write(offset, piece)
                offset += len(piece)
                progress.advance(asset.sha256.hex, len(piece))
            part.publish(offset)
        finally:
            part.suspend()
            progress.finish(asset.sha256.hex)


def _lacking_error(bundles: Sequence[Bundle], lacking: Sequence[Install], lock_name: str) -> NetworkError:
    """The archives that no bundle has, each with the reason, and how to get it."""
    names = " and ".join(str(bundle.path) for bundle in bundles)
    lines, missing = [], []
    for install in lacking:
        selected = install.selected
        reason = _reason(bundles, selected.asset.sha256)
        missing += [reason] if reason else []
        shown = f"{', '.join(install.names)}: {selected.asset.title}"
        lines.append(f"\n  {shown}{f': {reason}' if reason else ''}")
    last = bundles[-1]
    hint = (
        f"On a machine with a network, run `provision bundle create --since {last.path} -o FILE.tar` with this "
        f"{lock_name}, and pass both bundles: `--bundle {last.path} --bundle FILE.tar`."
    )
    if len(missing) == len(lacking):
        hint = "Also pass the earlier bundle: `provision sync --bundle EARLIER --bundle " + f"{last.path}`."
    differs = "" if any(_is_of(bundle, lacking) for bundle in bundles) else "; created from another lock file"
    verb = "lacks" if len(bundles) == 1 else "lack"
    return NetworkError(
        f"{names} {verb} {plural(len(lacking), 'archive')} of {lock_name}{differs}:{''.join(lines)}", hint=hint
    )


def _reason(bundles: Sequence[Bundle], digest: Digest) -> str:
    """The earlier bundle that has an archive; empty if none is known."""
    for bundle in bundles:
        if bundle.since and digest in bundle.left_out:
            return f"left out of {bundle.path}, since it is in the bundle with index {bundle.since.index}"
    return ""


def _is_of(bundle: Bundle, lacking: Sequence[Install]) -> bool:
    """Whether the lock file of a bundle has the archives that it lacks, so that it is the same for these entries."""
    locked = {asset.sha256 for python in bundle.lock.pythons for asset in python.assets}
    return all(install.selected.asset.sha256 in locked for install in lacking)
