"""Owns proving each row of a lock: what its file is, who vouches for its bytes, and where it comes from."""

from __future__ import annotations

from collections.abc import Iterator

from provision.errors import PolicyError
from provision.install.fetch.hosts import KNOWN_HOSTS
from provision.install.fetch.urls import Url
from provision.lock.document import LockedPython
from provision.lock.filenames import catalog_disagreements, name_disagreements
from provision.model.asset import Asset
from provision.review.findings import Finding
from provision.review.grounds import Grounds, known_asset, release_of
from provision.review.places import canonical, host_of, imitates

_BY_PROPERTY = {
    "implementation": ("PV002", None),
    "version": ("PV002", None),
    "build": ("PV003", None),
    "target": ("PV004", "target"),
    "cpu": ("PV004", "cpu"),
    "options": ("PV005", "url"),
    "flavor": ("PV006", "url"),
}


def check_rows(grounds: Grounds) -> Iterator[Finding]:
    """All findings about single rows."""
    for python in grounds.lock.pythons:
        for asset in python.assets:
            yield from _check(python, asset, grounds)


def _check(python: LockedPython, asset: Asset, grounds: Grounds) -> Iterator[Finding]:
    yield from _host(python, asset, grounds)
    known = known_asset(grounds.upstream, asset)
    yield from _names(python, asset, known, grounds)
    if known is not None:
        yield from _compare(python, asset, known, grounds, whose="upstream's")
    elif (declared := _declared(python, asset, grounds)) is not None:
        yield from _own_place(python, asset, grounds)
        if declared != asset.sha256.hex:
            message = f"{asset.filename} has sha256 {declared} in the manifest, not {asset.sha256}"
            yield grounds.on_row("PV001", message, python, asset, "sha256")
    elif grounds.own is not None and (known := known_asset(grounds.own, asset)) is not None:
        yield from _own_place(python, asset, grounds)
        yield from _compare(python, asset, known, grounds, whose="the catalog's")
    else:
        yield from _unknown(python, asset, grounds)
    yield from _checksums(python, asset, grounds)


def _names(python: LockedPython, asset: Asset, known: Asset | None, grounds: Grounds) -> Iterator[Finding]:
    """What the file is by its name, and by the catalog where the name does not tell."""
    by_name = name_disagreements(asset)
    said = {each.what for each in by_name}
    by_catalog = catalog_disagreements(asset, known) if known is not None else ()
    for each in (*by_name, *(each for each in by_catalog if each.what not in said)):
        code, key = _BY_PROPERTY[each.what]
        yield grounds.on_row(code, each.message, python, asset, key or "url")


def _compare(python: LockedPython, asset: Asset, known: Asset, grounds: Grounds, *, whose: str) -> Iterator[Finding]:
    if asset.sha256 != known.sha256:
        message = f"{asset.filename} has sha256 {asset.sha256}; {whose} is {known.sha256}"
        yield grounds.on_row("PV001", message, python, asset, "sha256")
    if asset.size is not None and known.size is not None and asset.size != known.size:
        message = f"{asset.filename} is said to have {asset.size} bytes; {whose} has {known.size}"
        yield grounds.on_row("PV020", message, python, asset, "size")
    if asset.published is not None and known.published is not None and asset.published != known.published:
        message = f"{asset.filename} is said to be of {asset.published}; {whose} is of {known.published}"
        yield grounds.on_row("PV021", message, python, asset, "published")


def _declared(python: LockedPython, asset: Asset, grounds: Grounds) -> str | None:
    """The sha256 that the manifest gives beside this URL, in hex."""
    request = grounds.request(python)
    if request is None or not request.url:
        return None
    urls = {target: canonical(url) for target, url in request.url}
    if urls.get(asset.target) != canonical(asset.url):
        return None
    return next((digest.hex for target, digest in request.sha256 if target == asset.target), None)


def _own_place(python: LockedPython, asset: Asset, grounds: Grounds) -> Iterator[Finding]:
    """Only the repository vouches for it: its host must then be one that the policy names."""
    try:
        url = Url.parse(asset.url)
    except ValueError:
        return
    if url.scheme == "file" or url.is_loopback or any(rule.admits(url) for rule in grounds.hosts):
        return
    if url.host in KNOWN_HOSTS:
        message = f"{url.host} hosts everybody's files, and only this repository vouches for {asset.filename} there"
        yield grounds.on_row("PV009", message, python, asset, "url")


def _unknown(python: LockedPython, asset: Asset, grounds: Grounds) -> Iterator[Finding]:
    namesake = grounds.upstream.find(asset.filename)
    if namesake is not None:
        theirs, ours = (each.url.rpartition("/")[0] for each in (namesake, asset))
        message = f"upstream has {asset.filename} in {theirs}, not in {ours}"
        yield grounds.on_row("PV009", message, python, asset, "url")
        if namesake.sha256 != asset.sha256:
            message = f"{asset.filename} has sha256 {asset.sha256}; upstream's is {namesake.sha256}"
            yield grounds.on_row("PV001", message, python, asset, "sha256")
        return
    tag, as_of = release_of(asset), grounds.upstream.as_of[:10].replace("-", "")
    if tag and tag >= as_of and tag == asset.build:
        if tag not in grounds.checksums:
            message = f"release {tag} is newer than the catalog here, which is of {grounds.upstream.as_of[:10]}"
            yield grounds.on_row("PV024", message, python, asset, "sha256")
        return
    yield grounds.on_row("PV008", f"nobody vouches for {asset.url}", python, asset, "url")


def _checksums(python: LockedPython, asset: Asset, grounds: Grounds) -> Iterator[Finding]:
    """What upstream says now, where it was asked."""
    tag = release_of(asset)
    if tag not in grounds.checksums:
        return
    sums = grounds.checksums[tag]
    if sums is None:
        yield grounds.on_row("PV025", f"release {tag} has no SHA256SUMS", python, asset, "sha256")
    elif asset.filename not in sums:
        message = f"{asset.filename} is not in the SHA256SUMS of release {tag}"
        yield grounds.on_row("PV008", message, python, asset, "url")
    elif sums[asset.filename] != asset.sha256.hex:
        message = f"{asset.filename} has sha256 {asset.sha256}; SHA256SUMS has {sums[asset.filename]}"
        yield grounds.on_row("PV001", message, python, asset, "sha256")


def _host(python: LockedPython, asset: Asset, grounds: Grounds) -> Iterator[Finding]:
    try:
        url = Url.parse(asset.url)
    except ValueError as error:
        yield grounds.on_row("PV007", f"{asset.url} cannot be asked: {error}", python, asset, "url")
        return
    if url.scheme == "file" or url.is_loopback:
        where = "is a file" if url.scheme == "file" else "is a server"
        yield grounds.on_row("PV022", f"{url} {where} of one machine", python, asset, "url")
        return
    try:
        grounds.host_policy.check(url)
    except PolicyError as error:
        other = imitates(host_of(asset.url), KNOWN_HOSTS)
        like = f"; it can be taken for {other}" if other else ""
        message = error.message.removeprefix(f"{url}: ")
        yield grounds.on_row("PV007", f"{message}{like}", python, asset, "url")
