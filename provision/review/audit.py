"""Owns proving each row of a lock: what its file is, who vouches for its bytes, and where it comes from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from provision.errors import PolicyError
from provision.install.fetch.hosts import KNOWN_HOSTS
from provision.install.fetch.urls import Url
from provision.lock.document import LockedPython
from provision.lock.filenames import catalog_disagreements, name_disagreements
from provision.model.asset import Asset
from provision.review.checks_age import check_age
from provision.review.checks_requests import check_requests
from provision.review.findings import Audit, AuditContext, Finding, Ignored, known_asset, release_of, sort_findings
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


def run_checks(context: AuditContext, more: Iterable[Finding] = ()) -> Audit:
    """Run every check. ``more`` are findings from where the context was gathered."""
    found = sort_findings([*more, *check_rows(context), *check_requests(context), *check_age(context)])
    reasons = dict(context.policy.ignore)
    kept = [finding for finding in found if finding.code not in reasons]
    ignored = tuple(Ignored(finding=each, reason=reasons[each.code]) for each in found if each.code in reasons)
    unused = sorted(set(reasons) - {each.code for each in found})
    kept += [
        Finding.of("PV026", f"{code} is ignored, and there is none", file=context.policy.source, line=1)
        for code in unused
    ]
    return Audit(
        file=context.file,
        findings=sort_findings(kept),
        ignored=ignored,
        entries=len(context.lock.pythons),
        rows=sum(len(python.assets) for python in context.lock.pythons),
        policy=context.policy.source,
        as_of=context.upstream.as_of,
    )


def check_rows(context: AuditContext) -> Iterator[Finding]:
    """All findings about single rows."""
    for python in context.lock.pythons:
        for asset in python.assets:
            yield from _check(python, asset, context)


def _check(python: LockedPython, asset: Asset, context: AuditContext) -> Iterator[Finding]:
    yield from _host(python, asset, context)
    known = known_asset(context.upstream, asset)
    yield from _names(python, asset, known, context)
    if known is not None:
        yield from _compare(python, asset, known, context, whose="upstream's")
    elif (declared := _declared(python, asset, context)) is not None:
        yield from _own_place(python, asset, context)
        if declared != asset.sha256.hex:
            message = f"{asset.filename} has sha256 {declared} in the manifest, not {asset.sha256}"
            yield context.on_row("PV001", message, python, asset, "sha256")
    elif context.own is not None and (known := known_asset(context.own, asset)) is not None:
        yield from _own_place(python, asset, context)
        yield from _compare(python, asset, known, context, whose="the catalog's")
    else:
        yield from _unknown(python, asset, context)
    yield from _checksums(python, asset, context)


def _names(python: LockedPython, asset: Asset, known: Asset | None, context: AuditContext) -> Iterator[Finding]:
    """What the file is by its name, and by the catalog where the name does not tell."""
    by_name = name_disagreements(asset)
    said = {each.what for each in by_name}
    by_catalog = catalog_disagreements(asset, known) if known is not None else ()
    for each in (*by_name, *(each for each in by_catalog if each.what not in said)):
        code, key = _BY_PROPERTY[each.what]
        yield context.on_row(code, each.message, python, asset, key or "url")


def _compare(
    python: LockedPython, asset: Asset, known: Asset, context: AuditContext, *, whose: str
) -> Iterator[Finding]:
    if asset.sha256 != known.sha256:
        message = f"{asset.filename} has sha256 {asset.sha256}; {whose} is {known.sha256}"
        yield context.on_row("PV001", message, python, asset, "sha256")
    if asset.size is not None and known.size is not None and asset.size != known.size:
        message = f"{asset.filename} is said to have {asset.size} bytes; {whose} has {known.size}"
        yield context.on_row("PV020", message, python, asset, "size")
    if asset.published is not None and known.published is not None and asset.published != known.published:
        message = f"{asset.filename} is said to be of {asset.published}; {whose} is of {known.published}"
        yield context.on_row("PV021", message, python, asset, "published")


def _declared(python: LockedPython, asset: Asset, context: AuditContext) -> str | None:
    """The sha256 that the manifest gives beside this URL, in hex."""
    request = context.request(python)
    if request is None or not request.url:
        return None
    urls = {target: canonical(url) for target, url in request.url}
    if urls.get(asset.target) != canonical(asset.url):
        return None
    return next((digest.hex for target, digest in request.sha256 if target == asset.target), None)


def _own_place(python: LockedPython, asset: Asset, context: AuditContext) -> Iterator[Finding]:
    """Only the repository vouches for it: its host must then be one that the policy names."""
    try:
        url = Url.parse(asset.url)
    except ValueError:
        return
    if url.scheme == "file" or url.is_loopback or any(rule.admits(url) for rule in context.hosts):
        return
    if url.host in KNOWN_HOSTS:
        message = f"{url.host} hosts everybody's files, and only this repository vouches for {asset.filename} there"
        yield context.on_row("PV009", message, python, asset, "url")


def _unknown(python: LockedPython, asset: Asset, context: AuditContext) -> Iterator[Finding]:
    namesake = context.upstream.find(asset.filename)
    if namesake is not None:
        theirs, ours = (each.url.rpartition("/")[0] for each in (namesake, asset))
        message = f"upstream has {asset.filename} in {theirs}, not in {ours}"
        yield context.on_row("PV009", message, python, asset, "url")
        if namesake.sha256 != asset.sha256:
            message = f"{asset.filename} has sha256 {asset.sha256}; upstream's is {namesake.sha256}"
            yield context.on_row("PV001", message, python, asset, "sha256")
        return
    tag, as_of = release_of(asset), context.upstream.as_of[:10].replace("-", "")
    if tag and tag >= as_of and tag == asset.build:
        if tag not in context.checksums:
            message = f"release {tag} is newer than the catalog here, which is of {context.upstream.as_of[:10]}"
            yield context.on_row("PV024", message, python, asset, "sha256")
        return
    yield context.on_row("PV008", f"nobody vouches for {asset.url}", python, asset, "url")


def _checksums(python: LockedPython, asset: Asset, context: AuditContext) -> Iterator[Finding]:
    """What upstream says now, where it was asked."""
    tag = release_of(asset)
    if tag not in context.checksums:
        return
    sums = context.checksums[tag]
    if sums is None:
        yield context.on_row("PV025", f"release {tag} has no SHA256SUMS", python, asset, "sha256")
    elif asset.filename not in sums:
        message = f"{asset.filename} is not in the SHA256SUMS of release {tag}"
        yield context.on_row("PV008", message, python, asset, "url")
    elif sums[asset.filename] != asset.sha256.hex:
        message = f"{asset.filename} has sha256 {asset.sha256}; SHA256SUMS has {sums[asset.filename]}"
        yield context.on_row("PV001", message, python, asset, "sha256")


def _host(python: LockedPython, asset: Asset, context: AuditContext) -> Iterator[Finding]:
    try:
        url = Url.parse(asset.url)
    except ValueError as error:
        yield context.on_row("PV007", f"{asset.url} cannot be asked: {error}", python, asset, "url")
        return
    if url.scheme == "file" or url.is_loopback:
        where = "is a file" if url.scheme == "file" else "is a server"
        yield context.on_row("PV022", f"{url} {where} of one machine", python, asset, "url")
        return
    try:
        context.host_policy.check(url)
    except PolicyError as error:
        other = imitates(host_of(asset.url), KNOWN_HOSTS)
        like = f"; it can be taken for {other}" if other else ""
        message = error.message.removeprefix(f"{url}: ")
        yield context.on_row("PV007", f"{message}{like}", python, asset, "url")
