"""Owns holding a lock against its manifest: what is missing, what is too much, and what answers no request."""

from __future__ import annotations

from collections.abc import Iterator

from provision.lock.answers import OptionFilter
from provision.lock.document import LockedPython
from provision.manifest.digest import request_digest
from provision.manifest.document import Request
from provision.model.asset import Asset
from provision.review.findings import AuditContext, Finding
from provision.review.places import canonical


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
    pairs: tuple[tuple[str, object, object, bool], ...] = (
        ("implementation", request.implementation, python.implementation, False),
        ("version", request.version, python.version, request.version.matches(python.version)),
        ("build", request.build or "any", python.build, request.build in {None, python.build}),
        ("flavor", request.flavor or "any", python.flavor, request.flavor in {None, python.flavor}),
        ("without", str(request.tree) or "no tree options", str(python.tree) or "none", request.tree == python.tree),
    )
    for key, asked, locked, fits in pairs:
        if not fits and asked != locked:
            yield context.on_entry("PV017", f"{key} {asked} is asked for, {locked} is locked", name, key)
    yield from _targets(request, python, context)
    for asset in python.assets:
        yield from _row(request, python, asset, context)


def _targets(request: Request, python: LockedPython, context: AuditContext) -> Iterator[Finding]:
    slots = {(asset.target, asset.cpu) for asset in python.assets}
    wanted = set(request.targets or python.targets())
    for target in sorted(wanted, key=str):
        cpu = request.cpu if request.cpu_strict and request.cpu != "auto" else "baseline"
        if target not in python.targets():
            yield context.on_entry("PV010", f"{target.short} is declared, and has no row", python.name)
        elif (request.cpu_strict or request.cpu == "auto") and (target, cpu) not in slots:
            yield context.on_entry("PV010", f"{target.short} has no row for {cpu}", python.name)
    for asset in python.assets:
        if asset.target not in wanted:
            message = f"{asset.target.short} is locked, and not declared"
            yield context.on_row("PV017", message, python, asset, "target")


def _row(request: Request, python: LockedPython, asset: Asset, context: AuditContext) -> Iterator[Finding]:
    def contradiction(message: str, key: str) -> Finding:
        return context.on_row("PV017", message, python, asset, key)

    if request.url:
        urls = {target: canonical(url) for target, url in request.url}
        if urls.get(asset.target, "") != canonical(asset.url):
            yield contradiction(f"{urls.get(asset.target) or 'no archive'} is asked for, {asset.url} is locked", "url")
        return
    if not OptionFilter.of(request).accepts(asset.options):
        words = [word for word in ("freethreaded", "debug") if getattr(request, word)]
        asked = request.options if request.options is not None else "+".join(words) or "a default build"
        message = f"{asked} is asked for, a build with {str(asset.options) or 'no options'} is locked"
        yield contradiction(message, "build-options")
    if request.cpu != "auto" and asset.cpu not in {"baseline", request.cpu}:
        yield contradiction(f"level {request.cpu} is asked for, {asset.cpu} is locked", "cpu")
    pin = next((digest for target, digest in request.sha256 if target == asset.target), asset.sha256)
    if pin != asset.sha256:
        yield context.on_row("PV001", f"sha256 {pin} is asked for, {asset.sha256} is locked", python, asset, "sha256")


def _prerelease(python: LockedPython, context: AuditContext) -> Iterator[Finding]:
    if not python.version.prerelease:
        return
    request = context.request(python)
    asked = request is None or request.prereleases or request.version.allows_prerelease or bool(request.url)
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
            other = hashes.setdefault(canonical(asset.url), asset)
            if other.sha256 != asset.sha256:
                message = f"{asset.url} is locked with sha256 {other.sha256} elsewhere, and with {asset.sha256} here"
                yield context.on_row("PV019", message, python, asset, "sha256")
