"""An entry of `[pythons]` as a `Request`, its keys checked against one another."""

from __future__ import annotations

from provision.errors import Place
from provision.manifest.fields import ENTRY, VERSION, EntryTable, ManifestSettings
from provision.manifest.kinds import described
from provision.manifest.manifest import Request
from provision.manifest.problems import ProblemList
from provision.text import KeyPath


def read_entry(
    name: str,
    value: object,
    settings: ManifestSettings,
    problems: ProblemList,
    *,
    path: KeyPath,
    place: Place | None = None,
) -> Request | None:
    """Make a request of what stands behind a name; note every problem, and return None where there is one."""
    before = len(problems)
    given: EntryTable | None = None
    if isinstance(value, str):
        parsed = VERSION.read(value, path, problems)
        given = None if parsed is None else EntryTable(version=parsed)
    elif isinstance(value, dict):
        given = ENTRY.read(value, path, problems)
    else:
        hint = "Put it in quotes." if isinstance(value, int | float) and not isinstance(value, bool) else None
        problems.add(path, f'expected a version such as "3.14", or a table, not {described(value)}', hint)
    if given is None:
        return None
    _check_agreement(given, path, problems)
    _check_own_archives(given, path, problems)
    return Request.of(name, given, settings, place) if len(problems) == before else None


def _check_agreement(given: EntryTable, path: KeyPath, problems: ProblemList) -> None:
    """Note each key that says another thing than the version's text does."""
    parsed = given.version
    listed = given.build_options or ()
    for option, own, asked in (
        ("freethreaded", given.freethreaded, parsed.freethreaded),
        ("debug", given.debug, parsed.debug),
    ):
        if own is False and (asked or option in listed):
            source = f"`version` ({parsed})" if asked else "`build-options`"
            problems.add((*path, option), f"false contradicts {source}, which asks for a {option} build")
    if parsed.cpu and given.cpu and given.cpu != parsed.cpu:
        problems.add((*path, "cpu"), f'"{given.cpu}" contradicts `version`, which names {parsed.cpu} ({parsed})')
    if parsed.target and given.targets and given.targets != (parsed.target,):
        problems.add((*path, "targets"), f"these contradict `version`, which names {parsed.target}")
    if given.prereleases is False and parsed.version.allows_prerelease:
        problems.add((*path, "prereleases"), f"false contradicts `version`, which names a prerelease ({parsed})")


def _check_own_archives(given: EntryTable, path: KeyPath, problems: ProblemList) -> None:
    """Archives of one's own say of themselves neither what they are nor that they are the right ones."""
    if given.url is None:
        return
    parsed = given.version
    known = {target for target, _ in given.sha256 or ()}
    for target, _ in given.url:
        if target not in known:
            hint = f'Add sha256 = {{ {target} = "…" }}.'
            problems.add((*path, "url"), f"there is no sha256 for {target}, but each url needs one", hint)
    targets = {target for target, _ in given.url}
    asked = {parsed.target} if parsed.target else set(given.targets or targets)
    if asked != targets:
        there, wanted = (", ".join(sorted(str(target) for target in each)) for each in (targets, asked))
        problems.add((*path, "url"), f"these are for {there}, but this entry is for {wanted}")
    if parsed.version.exact is None:
        message = f"{parsed} names no one version, but archives of one's own need it in full, such as 3.13.5"
        problems.add((*path, "version"), message)
