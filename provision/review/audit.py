"""All checks of one lock: its assets, its requests, and the checks of the day.

Pure: every check is a function of an `AuditContext` that yields findings. The codes and their advice are in `codes`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from provision.catalog.pbs import release_tag
from provision.errors import PolicyError
from provision.host_policy import KNOWN_HOSTS, lookalike_of
from provision.lock.filenames import catalog_disagreements, name_disagreements
from provision.lock.lock import LockedPython, same_digests
from provision.lock.matching import (
    RequestDisagreement,
    allows_prereleases,
    names_url,
    pin_disagreements,
)
from provision.lock.staleness import all_disagreements
from provision.manifest.keys import IgnoreRule
from provision.manifest.manifest import Request, request_digest
from provision.model.asset import Asset
from provision.review.audit_advisories import check_advisories
from provision.review.audit_age import check_age
from provision.review.audit_provenance import check_provenance, proven_levels
from provision.review.codes import AUDIT_CODES, RELOCK
from provision.review.findings import (
    AdvisoriesJudged,
    Audit,
    AuditContext,
    Finding,
    IgnoredFinding,
    known_asset,
    sort_findings,
)
from provision.review.knowledge import check_knowledge
from provision.url import Url, canonical_url

# The code for a disagreement between a file's name and its row, and the key of the row that it concerns.
_CODE_BY_PROPERTY = {
    "implementation": ("PV002", None),
    "version": ("PV002", None),
    "build": ("PV003", None),
    "target": ("PV004", "target"),
    "cpu": ("PV004", "cpu"),
    "options": ("PV005", "url"),
    "flavor": ("PV006", "url"),
}


def run_checks(context: AuditContext, more: Iterable[Finding] = ()) -> Audit:
    """Run every check and apply the policy's ``ignore``. ``more`` are findings from where the context was gathered."""
    checks = (
        _check_assets,
        _check_requests,
        _check_duplicates,
        _check_prereleases,
        check_age,
        check_knowledge,
        check_advisories,
        check_provenance,
    )
    found = sort_findings([*more, *(finding for check in checks for finding in check(context))])
    rules = {rule.code: rule for rule in context.policy.ignore}
    kept, ignored = [], []
    for finding in found:
        rule = next((rules[name] for name in finding.ignorable if name in rules), None)
        if rule is None or _has_expired(rule, context):
            kept.append(finding)
        else:
            ignored.append(IgnoredFinding(finding=finding, reason=rule.reason))
    names = {name for finding in found for name in finding.ignorable}
    kept += _unused_rules((rule for code, rule in sorted(rules.items()) if code not in names), context)
    kept += _expired_rules((rule for code, rule in sorted(rules.items()) if code in names), context)
    return Audit(
        file=context.file,
        findings=sort_findings(kept),
        ignored=tuple(ignored),
        entries=len(context.lock.pythons),
        rows=sum(len(python.assets) for python in context.lock.pythons),
        policy=context.policy_source,
        as_of=context.upstream.as_of,
        levels=proven_levels(context),
        manifest=context.manifest_file,
        advisories=_judged(context),
    )


def _judged(context: AuditContext) -> AdvisoriesJudged:
    if context.policy.advisories == "off":
        return "off"
    return "none" if context.advisories is None else "judged"


def _has_expired(rule: IgnoreRule, context: AuditContext) -> bool:
    return rule.until is not None and rule.until < context.today.isoformat()


def _unused_rules(rules: Iterable[IgnoreRule], context: AuditContext) -> Iterator[Finding]:
    for rule in rules:
        # Without a database, no advisory can be found.
        if rule.code in AUDIT_CODES or context.advisories is not None:
            message = f"{rule.code} is ignored, but has no findings"
            yield Finding.of("PV026", message, file=context.policy_source, line=1)


def _expired_rules(rules: Iterable[IgnoreRule], context: AuditContext) -> Iterator[Finding]:
    for rule in rules:
        if _has_expired(rule, context):
            message = f"{rule.code} was ignored only until {rule.until}: {rule.reason}"
            yield Finding.of("PV026", message, file=context.policy_source, line=1)


def _check_assets(context: AuditContext) -> Iterator[Finding]:
    """Each asset separately: its origin, its name, and its digest against catalogs and manifest."""
    for python in context.lock.pythons:
        for asset in python.assets:
            yield from _check_asset(python, asset, context)


def _check_asset(python: LockedPython, asset: Asset, context: AuditContext) -> Iterator[Finding]:
    yield from _check_host(python, asset, context)
    known = known_asset(context.upstream, asset)
    yield from _check_filename(python, asset, known, context)
    request = context.request(python)
    named = request is not None and names_url(request, asset)
    if known is not None:
        compared_with = "upstream's catalog"
        yield from _compare_with_catalog(python, asset, known, context, whose="upstream's")
    elif named:
        compared_with = "the manifest"
        yield from _check_custom_host(python, asset, context)
    elif context.own_catalog is not None and (listed := known_asset(context.own_catalog, asset)) is not None:
        compared_with = "the manifest's catalog"
        yield from _check_custom_host(python, asset, context)
        yield from _compare_with_catalog(python, asset, listed, context, whose="the catalog's")
    else:
        compared_with = ""
        yield from _check_unknown(python, asset, context)
    if request is not None and named and (known is None or known.sha256 == asset.sha256):
        for each in pin_disagreements(request, (asset,)):
            message = f"{asset.filename} has sha256 {each.requested} in the manifest, not {asset.sha256}"
            yield context.asset_finding("PV001", message, python, asset, "sha256")
    yield from _check_checksums(python, asset, context, compared_with)


def _check_host(python: LockedPython, asset: Asset, context: AuditContext) -> Iterator[Finding]:
    try:
        url = Url.parse(asset.url)
    except ValueError as error:
        yield context.asset_finding("PV007", f"{asset.url} cannot be downloaded: {error}", python, asset, "url")
        return
    if url.is_of_one_machine:
        what = "file" if url.scheme == "file" else "server"
        yield context.asset_finding("PV022", f"{url} is a {what} on one machine", python, asset, "url")
        return
    try:
        context.host_policy.check(url)
    except PolicyError as error:
        # A hint on how to allow a look-alike host would help an attacker.
        advice = RELOCK if url.host in KNOWN_HOSTS or lookalike_of(url.host, KNOWN_HOSTS) else ""
        yield context.asset_finding("PV007", error.message.removeprefix(f"{url}: "), python, asset, "url", advice)


def _check_filename(
    python: LockedPython, asset: Asset, known: Asset | None, context: AuditContext
) -> Iterator[Finding]:
    """The properties of the file from its name, and from the catalog if the name does not state them."""
    by_name = name_disagreements(asset)
    named = {each.key for each in by_name}
    by_catalog = catalog_disagreements(asset, known) if known is not None else ()
    for each in (*by_name, *(each for each in by_catalog if each.key not in named)):
        code, key = _CODE_BY_PROPERTY[each.key]
        yield context.asset_finding(code, each.message, python, asset, key or "url")


def _compare_with_catalog(
    python: LockedPython, asset: Asset, known: Asset, context: AuditContext, *, whose: str
) -> Iterator[Finding]:
    if asset.sha256 != known.sha256:
        message = f"{asset.filename} has sha256 {asset.sha256}; {whose} is {known.sha256}"
        yield context.asset_finding("PV001", message, python, asset, "sha256")
    if asset.size is not None and known.size is not None and asset.size != known.size:
        message = f"size mismatch for {asset.filename}: lock file {asset.size} bytes, {whose} {known.size}"
        yield context.asset_finding("PV020", message, python, asset, "size")
    if asset.published is not None and known.published is not None and asset.published != known.published:
        message = f"date mismatch for {asset.filename}: lock file {asset.published}, {whose} {known.published}"
        yield context.asset_finding("PV021", message, python, asset, "published")


def _check_custom_host(python: LockedPython, asset: Asset, context: AuditContext) -> Iterator[Finding]:
    """An archive that is in no upstream catalog: on a host that anyone can upload to, the policy must allow it."""
    try:
        url = Url.parse(asset.url)
    except ValueError:
        return
    if url.is_of_one_machine or any(rule.matches(url) for rule in context.hosts):
        return
    if url.host in KNOWN_HOSTS:
        message = f"anyone can upload to {url.host}; only this repository names {asset.filename} on it"
        advice = "Compare the URL with the change to pythons.toml. Move custom archives to a host of your own."
        yield context.asset_finding("PV009", message, python, asset, "url", advice)


def _check_unknown(python: LockedPython, asset: Asset, context: AuditContext) -> Iterator[Finding]:
    """An archive whose URL is in no catalog and no manifest: moved, newer than the catalog, or invented."""
    published = context.upstream.find(asset.filename)
    if published is not None:
        message = f"upstream has {asset.filename} at {published.url}"
        yield context.asset_finding("PV009", message, python, asset, "url")
        if published.sha256 != asset.sha256:
            message = f"{asset.filename} has sha256 {asset.sha256}; upstream's is {published.sha256}"
            yield context.asset_finding("PV001", message, python, asset, "sha256")
        return
    tag = release_tag(asset)
    if tag == asset.build and tag in context.checksums:
        return  # `_check_checksums` compares the sha256
    if tag == asset.build and _is_newer_than_catalog(tag, context):
        message = (
            f"release {tag} is newer than the catalog dated {context.upstream.as_of[:10]}; the sha256 was not compared"
        )
        yield context.asset_finding("PV024", message, python, asset, "sha256")
    else:
        yield context.asset_finding(
            "PV008", "the archive is in no catalog and not in the manifest", python, asset, "url"
        )


def _is_newer_than_catalog(tag: str, context: AuditContext) -> bool:
    """Whether a release can exist that the catalog does not have yet; not for a day in the future."""
    first = context.upstream.as_of[:10]
    last = max(first, context.today.isoformat())
    return len(tag) == len("20261021") and first.replace("-", "") <= tag <= last.replace("-", "")


def _check_checksums(
    python: LockedPython, asset: Asset, context: AuditContext, compared_with: str
) -> Iterator[Finding]:
    """The digest in upstream's SHA256SUMS, if they were downloaded.

    ``compared_with`` is what the digest was compared with before; empty if it was not.
    """
    tag = release_tag(asset)
    if tag not in context.checksums:
        return
    sums = context.checksums[tag]
    if sums is None and compared_with:
        message = f"release {tag} has no SHA256SUMS; the sha256 was compared with {compared_with} only"
        yield context.asset_finding("PV025", message, python, asset, "sha256")
    elif sums is None:
        message = f"the archive is in no catalog and release {tag} has no SHA256SUMS; the sha256 was not compared"
        yield context.asset_finding("PV008", message, python, asset, "url")
    elif asset.filename not in sums:
        message = f"{asset.filename} is not in the SHA256SUMS of release {tag}"
        yield context.asset_finding("PV008", message, python, asset, "url")
    elif sums[asset.filename] != asset.sha256.hex:
        message = f"{asset.filename} has sha256 {asset.sha256}; SHA256SUMS has {sums[asset.filename]}"
        yield context.asset_finding("PV001", message, python, asset, "sha256")


def _check_requests(context: AuditContext) -> Iterator[Finding]:
    """Each request of the manifest against its entry of the lock; nothing without a manifest."""
    if context.manifest is None:
        return
    for request in context.manifest.requests:
        python = context.lock.python(request.name)
        if python is None:
            message = f"{request.name} is in the manifest, but not locked"
            yield Finding.of("PV016", message, file=context.file, line=1, entry=request.name)
        else:
            yield from _check_request(request, python, context)
    for python in context.lock.pythons:
        if context.request(python) is None:
            yield context.entry_finding("PV011", f"{python.name} is locked, but not in the manifest", python.name)


def _check_request(request: Request, python: LockedPython, context: AuditContext) -> Iterator[Finding]:
    name = python.name
    if python.request != request_digest(request):
        yield context.entry_finding("PV016", f"the request of {name} changed after it was locked", name, "request")
        return
    found = tuple(all_disagreements(request, python))
    surplus = {each.target for each in found if each.key == "target" and each.asset is not None}
    lacking = {each.target for each in found if each.key == "cpu" and each.asset is None}
    for each in found:
        asset = each.asset
        match each.key:
            case "prerelease":
                continue  # `_check_prereleases` judges it, also by the policy
            case "sha256" if request.url:
                continue  # `_check_asset` also compares it with the catalog
            case "cpu" if asset is None and each.target in surplus:
                continue  # the whole target is surplus, and reported as such
            case "cpu" if asset is not None and asset.cpu == "baseline" and each.target in lacking:
                continue  # locked instead of the missing level, which is reported
        if asset is None:
            yield _entry_disagreement(each, python, context)
        else:
            yield _asset_disagreement(each, asset, request, python, context)


def _entry_disagreement(each: RequestDisagreement, python: LockedPython, context: AuditContext) -> Finding:
    target = each.target.short if each.target else ""
    match each.key:
        case "target":
            return context.entry_finding("PV010", f"{target} is in the manifest, but not locked", python.name)
        case "cpu":
            return context.entry_finding("PV010", f"{target} is not locked for {each.requested}", python.name)
        case _:
            key = "without" if each.key == "tree" else each.key
            requested, locked = str(each.requested) or "no tree options", str(each.locked) or "none"
            message = f"the manifest requests {key} {requested}, the lock file has {locked}"
            return context.entry_finding("PV017", message, python.name, key)


def _asset_disagreement(
    each: RequestDisagreement, asset: Asset, request: Request, python: LockedPython, context: AuditContext
) -> Finding:
    code, key = "PV017", each.key.replace("options", "build-options")
    match each.key:
        case "target":
            message = f"{asset.target.short} is locked, but not in the manifest"
        case "url":
            requested = canonical_url(str(each.requested or "")) or "no archive"
            message = f"the manifest requests {requested}, the lock file has {asset.url}"
        case "options":
            words = [word for word in ("freethreaded", "debug") if getattr(request, word)]
            asked = request.options if request.options is not None else "+".join(words) or "a default build"
            message = (
                f"the manifest requests {asked}, the lock file has a build with {str(asset.options) or 'no options'}"
            )
        case "cpu":
            message = f"the manifest requests CPU level {each.requested}, the lock file has {asset.cpu}"
        case _:
            code, message = "PV001", f"the manifest requests sha256 {each.requested}, the lock file has {asset.sha256}"
    return context.asset_finding(code, message, python, asset, key)


def _check_prereleases(context: AuditContext) -> Iterator[Finding]:
    for python in context.lock.pythons:
        if not python.version.prerelease:
            continue
        request = context.request(python)
        if context.policy.allow_prereleases is False:
            message = f"{python.version} is a prerelease; the policy does not allow prereleases"
            yield context.entry_finding("PV015", message, python.name, "version")
        elif request is not None and not allows_prereleases(request):
            message = f"{python.version} is a prerelease; the manifest does not allow prereleases"
            yield context.entry_finding("PV015", message, python.name, "version")


def _check_duplicates(context: AuditContext) -> Iterator[Finding]:
    """Assets that contradict each other, whatever any catalog says."""
    for python, asset, _, twin in same_digests(context.lock):
        message = f"{asset.filename} and {twin.filename} have the same sha256, {asset.sha256}"
        yield context.asset_finding(
            "PV018", message, python, asset, "sha256", _advice_on_digest(python, asset, context)
        )
    by_url: dict[str, Asset] = {}
    for python in context.lock.pythons:
        for asset in python.assets:
            other = by_url.setdefault(canonical_url(asset.url), asset)
            if other.sha256 != asset.sha256:
                message = f"{asset.url} is locked with two digests: sha256 {other.sha256} and {asset.sha256}"
                yield context.asset_finding("PV019", message, python, asset, "sha256")


def _advice_on_digest(python: LockedPython, asset: Asset, context: AuditContext) -> str:
    """What to do about the digest of a custom archive if the manifest has the same; empty for another one."""
    request = context.request(python)
    if request is None or dict(request.sha256).get(asset.target) != asset.sha256:
        return ""
    manifest = context.manifest_file
    return f"Compare the sha256 with the publisher's, correct it in {manifest}, and run `provision lock`."
