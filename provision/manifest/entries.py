"""Owns turning an entry of [pythons] into a `Request`, settings folded in; whether it can be met, resolving tells."""

from __future__ import annotations

from typing import Any

from provision.errors import Place
from provision.manifest.document import Request, Settings
from provision.manifest.fields import ENTRY, VERSION
from provision.manifest.keys import KeyPath
from provision.manifest.kinds import described
from provision.manifest.problems import Problems
from provision.manifest.request import ParsedRequest
from provision.model.build import BuildOptions
from provision.model.tree import TreeOptions

_SEPARATE = frozenset({"freethreaded", "debug"})  # options that are fields of a request


def read_entry(
    name: str, value: object, settings: Settings, problems: Problems, *, path: KeyPath, place: Place | None = None
) -> Request | None:
    """Make a request of what stands behind a name; note every problem, and return None where there is one."""
    before = len(problems)
    given: dict[str, Any] = {}
    if isinstance(value, str):
        given["version"] = VERSION.read(value, path, problems)
    elif isinstance(value, dict):
        given = ENTRY.read(value, path, problems) or {}
    else:
        hint = "Put it in quotes." if isinstance(value, int | float) and not isinstance(value, bool) else None
        problems.add(path, f'expected a version such as "3.14", or a table, not {described(value)}', hint)
    parsed: ParsedRequest | None = given.get("version")
    if parsed is None:
        return None
    _check_agreement(given, parsed, path, problems)
    _check_own_archives(given, parsed, path, problems)
    return _request(name, given, parsed, settings, place) if len(problems) == before else None


def _request(
    name: str, given: dict[str, Any], parsed: ParsedRequest, settings: Settings, place: Place | None
) -> Request:
    listed = given.get("build-options")
    own_cpu = parsed.cpu or given.get("cpu")
    url = given.get("url", ())
    named = (parsed.target,) if parsed.target else given.get("targets")
    return Request(
        name=name,
        implementation=parsed.implementation,
        version=parsed.version,
        freethreaded=parsed.freethreaded or given.get("freethreaded", False) or "freethreaded" in (listed or ()),
        debug=parsed.debug or given.get("debug", False) or "debug" in (listed or ()),
        options=None if listed is None else BuildOptions(frozenset(listed) - _SEPARATE),
        flavor=given.get("flavor"),
        preferred_flavor=None if "flavor" in given else settings.flavor,
        cpu=own_cpu or settings.cpu,
        cpu_strict=own_cpu not in {None, "baseline"},
        build=given.get("build"),
        targets=tuple(target for target, _ in url) or named or settings.targets,
        prereleases=given.get("prereleases", settings.prereleases),
        cooldown=given.get("cooldown", settings.cooldown),
        sha256=given.get("sha256", ()),
        url=url,
        tree=TreeOptions(
            bytecode=given.get("bytecode", False),
            externally_managed=given.get("externally-managed", True),
            without=tuple(sorted(given.get("without", ()))),
        ),
        place=place,
    )


def _check_agreement(given: dict[str, Any], parsed: ParsedRequest, path: KeyPath, problems: Problems) -> None:
    """Note each key that says another thing than the version's text does."""
    listed = given.get("build-options", ())
    for option, asked in (("freethreaded", parsed.freethreaded), ("debug", parsed.debug)):
        if given.get(option) is False and (asked or option in listed):
            source = f"`version` ({parsed})" if asked else "`build-options`"
            problems.add((*path, option), f"false contradicts {source}, which asks for a {option} build")
    if parsed.cpu and given.get("cpu", parsed.cpu) != parsed.cpu:
        problems.add((*path, "cpu"), f'"{given["cpu"]}" contradicts `version`, which names {parsed.cpu} ({parsed})')
    if parsed.target and given.get("targets", (parsed.target,)) != (parsed.target,):
        problems.add((*path, "targets"), f"these contradict `version`, which names {parsed.target}")
    if given.get("prereleases") is False and parsed.version.allows_prerelease:
        problems.add((*path, "prereleases"), f"false contradicts `version`, which names a prerelease ({parsed})")


def _check_own_archives(given: dict[str, Any], parsed: ParsedRequest, path: KeyPath, problems: Problems) -> None:
    """Archives of one's own say of themselves neither what they are nor that they are the right ones."""
    if "url" not in given:
        return
    known = {target for target, _ in given.get("sha256", ())}
    for target, _ in given["url"]:
        if target not in known:
            hint = f'Add sha256 = {{ {target} = "…" }}.'
            problems.add((*path, "url"), f"there is no sha256 for {target}, but each url needs one", hint)
    targets = {target for target, _ in given["url"]}
    asked = {parsed.target} if parsed.target else set(given.get("targets", targets))
    if asked != targets:
        there, wanted = (", ".join(sorted(str(target) for target in each)) for each in (targets, asked))
        problems.add((*path, "url"), f"these are for {there}, but this entry is for {wanted}")
    if parsed.version.exact is None:
        message = f"{parsed} names no one version, but archives of one's own need it in full, such as 3.13.5"
        problems.add((*path, "version"), message)
