"""All checks of one lock: its rows, its requests, its age."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from provision.catalog.catalog import publication_day
from provision.errors import PolicyError
from provision.hosts import KNOWN_HOSTS, lookalike_of
from provision.lock.age import Cooldown, end_of_life
from provision.lock.answers import (
    RequestDisagreement,
    allows_prereleases,
    names_url,
    pin_disagreements,
    request_disagreements,
)
from provision.lock.filenames import catalog_disagreements, name_disagreements
from provision.lock.lock import LockedPython
from provision.manifest.manifest import Request, request_digest
from provision.model.asset import Asset
from provision.model.value import replace
from provision.model.version import Version
from provision.review.codes import FindingSeverity
from provision.review.findings import (
    Audit,
    AuditContext,
    Finding,
    IgnoredFinding,
    known_asset,
    release_tag,
    sort_findings,
)
from provision.url import Url, canonical_url, host_of

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
    reasons = {rule.code: rule.reason for rule in context.policy.ignore}
    kept = [finding for finding in found if finding.code not in reasons]
    ignored = tuple(IgnoredFinding(finding=each, reason=reasons[each.code]) for each in found if each.code in reasons)
    unused = sorted(set(reasons) - {each.code for each in found})
    kept += [
        Finding.of("PV026", f"{code} is ignored, and there is none", file=context.policy_source, line=1)
        for code in unused
    ]
    return Audit(
        file=context.file,
        findings=sort_findings(kept),
        ignored=ignored,
        entries=len(context.lock.pythons),
        rows=sum(len(python.assets) for python in context.lock.pythons),
        policy=context.policy_source,
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
    request = context.request(python)
    named = request is not None and names_url(request, asset)
    if known is not None:
        yield from _compare(python, asset, known, context, whose="upstream's")
    elif named:
        yield from _own_place(python, asset, context)
    elif context.own_catalog is not None and (theirs := known_asset(context.own_catalog, asset)) is not None:
        yield from _own_place(python, asset, context)
        yield from _compare(python, asset, theirs, context, whose="the catalog's")
    else:
        yield from _unknown(python, asset, context)
    if request is not None and named and (known is None or known.sha256 == asset.sha256):
        for each in pin_disagreements(request, (asset,)):
            message = f"{asset.filename} has sha256 {each.requested} in the manifest, not {asset.sha256}"
            yield context.on_row("PV001", message, python, asset, "sha256")
    yield from _checksums(python, asset, context)


def _names(python: LockedPython, asset: Asset, known: Asset | None, context: AuditContext) -> Iterator[Finding]:
    """What the file is by its name, and by the catalog where the name does not tell."""
    by_name = name_disagreements(asset)
    said = {each.key for each in by_name}
    by_catalog = catalog_disagreements(asset, known) if known is not None else ()
    for each in (*by_name, *(each for each in by_catalog if each.key not in said)):
        code, key = _BY_PROPERTY[each.key]
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
    tag, as_of = release_tag(asset), context.upstream.as_of[:10].replace("-", "")
    if tag and tag >= as_of and tag == asset.build:
        if tag not in context.checksums:
            message = f"release {tag} is newer than the catalog here, which is of {context.upstream.as_of[:10]}"
            yield context.on_row("PV024", message, python, asset, "sha256")
        return
    yield context.on_row("PV008", f"nobody vouches for {asset.url}", python, asset, "url")


def _checksums(python: LockedPython, asset: Asset, context: AuditContext) -> Iterator[Finding]:
    """What upstream says now, where it was asked."""
    tag = release_tag(asset)
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
        other = lookalike_of(host_of(asset.url), KNOWN_HOSTS)
        like = f"; it can be taken for {other}" if other else ""
        message = error.message.removeprefix(f"{url}: ")
        yield context.on_row("PV007", f"{message}{like}", python, asset, "url")


def check_requests(context: AuditContext) -> Iterator[Finding]:
    """All findings about what the manifest asks for; none without a manifest but for prereleases and duplicates."""
    if context.manifest is not None:
        for request in context.manifest.requests:
            python = context.lock.python(request.name)
            if python is None:
                message = f"{request.name} is asked for, and not locked"
                yield Finding.of("PV016", message, file=context.file, line=1, entry=request.name)
            else:
                yield from _answers(request, python, context)
        for python in context.lock.pythons:
            if context.request(python) is None:
                yield context.on_entry("PV011", f"{python.name} is locked, and not asked for", python.name)
    for python in context.lock.pythons:
        yield from _prerelease(python, context)
    yield from _duplicates(context)


def _answers(request: Request, python: LockedPython, context: AuditContext) -> Iterator[Finding]:
    name = python.name
    if python.request != request_digest(request):
        yield context.on_entry("PV016", f"{name} was asked for otherwise when it was locked", name, "request")
        return
    found = tuple(request_disagreements(request, python))
    surplus = {each.target for each in found if each.key == "target" and each.asset is not None}
    lacking = {each.target for each in found if each.key == "cpu" and each.asset is None}
    for each in found:
        asset = each.asset
        match each.key:
            case "prerelease":
                continue  # `_prerelease` knows the policy as well
            case "sha256" if request.url:
                continue  # `_check` knows who else vouches for the row
            case "cpu" if asset is None and each.target in surplus:
                continue  # no level of it is asked for
            case "cpu" if asset is not None and asset.cpu == "baseline" and each.target in lacking:
                continue  # it stands in the place of the level that is missing
        yield _of_entry(each, python, context) if asset is None else _of_row(each, asset, request, python, context)


def _of_entry(each: RequestDisagreement, python: LockedPython, context: AuditContext) -> Finding:
    where = each.target.short if each.target else ""
    match each.key:
        case "target":
            return context.on_entry("PV010", f"{where} is declared, and has no row", python.name)
        case "cpu":
            return context.on_entry("PV010", f"{where} has no row for {each.requested}", python.name)
        case _:
            key = "without" if each.key == "tree" else each.key
            requested, locked = str(each.requested) or "no tree options", str(each.locked) or "none"
            message = f"{key} {requested} is asked for, {locked} is locked"
            return context.on_entry("PV017", message, python.name, key)


def _of_row(
    each: RequestDisagreement, asset: Asset, request: Request, python: LockedPython, context: AuditContext
) -> Finding:
    code, key = "PV017", each.key.replace("options", "build-options")
    match each.key:
        case "target":
            message = f"{asset.target.short} is locked, and not declared"
        case "url":
            requested = canonical_url(str(each.requested or "")) or "no archive"
            message = f"{requested} is asked for, {asset.url} is locked"
        case "options":
            words = [word for word in ("freethreaded", "debug") if getattr(request, word)]
            asked = request.options if request.options is not None else "+".join(words) or "a default build"
            message = f"{asked} is asked for, a build with {str(asset.options) or 'no options'} is locked"
        case "cpu":
            message = f"level {each.requested} is asked for, {asset.cpu} is locked"
        case _:
            code, message = "PV001", f"sha256 {each.requested} is asked for, {asset.sha256} is locked"
    return context.on_row(code, message, python, asset, key)


def _prerelease(python: LockedPython, context: AuditContext) -> Iterator[Finding]:
    if not python.version.prerelease:
        return
    request = context.request(python)
    asked = request is None or allows_prereleases(request)
    if context.policy.allow_prereleases is False:
        message = f"{python.version} is a prerelease, and the policy allows none"
        yield context.on_entry("PV015", message, python.name, "version")
    elif not asked:
        message = f"{python.version} is a prerelease, and none is asked for"
        yield context.on_entry("PV015", message, python.name, "version")


def _duplicates(context: AuditContext) -> Iterator[Finding]:
    """Rows that cannot all be right, whatever any catalog says."""
    names: dict[str, Asset] = {}
    hashes: dict[str, Asset] = {}
    for python in context.lock.pythons:
        for asset in python.assets:
            namesake = names.setdefault(asset.sha256.hex, asset)
            if namesake.filename != asset.filename:
                message = f"{asset.filename} and {namesake.filename} have one and the same sha256, {asset.sha256}"
                yield context.on_row("PV018", message, python, asset, "sha256")
            other = hashes.setdefault(canonical_url(asset.url), asset)
            if other.sha256 != asset.sha256:
                message = f"{asset.url} is locked with sha256 {other.sha256} elsewhere, and with {asset.sha256} here"
                yield context.on_row("PV019", message, python, asset, "sha256")


def check_age(context: AuditContext) -> Iterator[Finding]:
    """All findings that depend on the day."""
    for python in context.lock.pythons:
        yield from _young(python, context)
        yield from _ended(python, context)
        yield from _behind(python, context)


def _young(python: LockedPython, context: AuditContext) -> Iterator[Finding]:
    cooldown = context.cooldown(context.request(python))
    for asset in python.assets:
        dated = _dated(asset, context)
        if not cooldown.admits(dated):
            when = cooldown.available_from(dated)
            message = f"{asset.version}+{asset.build} is in its cooldown of {cooldown}" + (
                f" until {when}" if when else ""
            )
            yield context.on_row("PV014", message, python, asset, "published" if asset.published else "url")


def _dated(asset: Asset, context: AuditContext) -> Asset:
    """The asset with the time of publication that upstream gives, or else with the later of what it says itself.

    A row could claim to be older than the day in its build's name.
    """
    known = known_asset(context.upstream, asset)
    if known is not None:
        return known
    build, published = asset.build, asset.published
    if published and len(build) == 8 and build.isdecimal() and published[:10].replace("-", "") < build:
        return replace(asset, published=None)
    return asset


def _ended(python: LockedPython, context: AuditContext) -> Iterator[Finding]:
    end = end_of_life(python.implementation, python.version)
    allowed = context.policy.allow_end_of_life
    if end is None or end > context.today or allowed:
        return
    severity: FindingSeverity = "error" if allowed is False else "warning"
    message = f"{python.version.series} is past its end of life since {end}"
    yield context.on_entry("PV012", message, python.name, "version", severity)


def _behind(python: LockedPython, context: AuditContext) -> Iterator[Finding]:
    """Only upstream's catalog counts; a patch that the request rules out is worth a note and no more."""
    if not any(known_asset(context.upstream, asset) for asset in python.assets):
        return
    request = context.request(python)
    newest = _newest_patch(python, context, context.cooldown(request))
    if newest is None:
        return
    free = request is None or (request.version.matches(newest) and request.build is None and not request.url)
    severity: FindingSeverity = "warning" if free else "note"
    end = "" if free else ", which the request does not allow"
    yield context.on_entry(
        "PV013", f"{newest} is out, newer than {python.version}{end}", python.name, "version", severity
    )


def _newest_patch(python: LockedPython, context: AuditContext, cooldown: Cooldown) -> Version | None:
    """The newest final release of the series above the locked one, out long enough and there for all its targets."""
    catalog, wanted = context.upstream, set(python.targets())
    for version in catalog.versions(python.implementation):
        if version.series != python.version.series or version.prerelease:
            continue
        if version <= python.version:
            return None
        for build in catalog.builds(python.implementation, version):
            rows = [row for row in catalog.assets(python.implementation, version, build) if cooldown.admits(row)]
            if any(publication_day(build, row.published)[:10] > context.today.isoformat() for row in rows):
                continue
            if wanted <= {row.target for row in rows}:
                return version
    return None
