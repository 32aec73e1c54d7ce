"""Entries that agree with the files of other tools, and conflicts between those.

Files are in the order of `adopt.files`: if two contradict each other, the earlier one counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from provision.adopt.mention import Mention
from provision.adopt.requests import Kind, Known, kind_of, narrowed, newest, newest_series, satisfies
from provision.manifest.manifest import check_name
from provision.manifest.version_request import ParsedRequest
from provision.model.value import frozen, replace

DEFAULT = "default"


@frozen
class PlannedEntry:
    """An entry to add, and the mentions it was made from."""

    name: str
    request: ParsedRequest
    mentions: tuple[Mention, ...]

    @property
    def spec(self) -> dict[str, object]:
        """The keys of the entry."""
        version = str(replace(self.request, build=None))
        return {"version": version, "build": self.request.build} if self.request.build else {"version": version}


@frozen
class Combined:
    """``covered`` are mentions that an entry of the manifest already satisfies, each with its name.

    ``disagreements`` are sentences about mentions that contradict an earlier one, ``conflicts`` about mentions that
    contradict an entry of the manifest.
    """

    entries: tuple[PlannedEntry, ...]
    covered: tuple[tuple[Mention, str], ...] = ()
    disagreements: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()


class _Draft:
    """An entry in the making."""

    def __init__(self, mention: Mention, request: ParsedRequest, kind: Kind) -> None:
        self.request, self.kind = request, kind
        self.mentions = [mention]

    def has_place_for(self, mention: Mention) -> bool:
        """Whether the mention can belong to this entry: two versions in one setting are two entries."""
        return all(
            (own.file, own.key) != (mention.file, mention.key) or own.given == mention.given for own in self.mentions
        )


def combine(mentions: Sequence[Mention], known: Known, existing: Mapping[str, ParsedRequest] = {}) -> Combined:
    """Plan entries for mentions, the most important first; ``existing`` entries do not change."""
    disagreements: list[str] = []
    drafts = _drafts(mentions, known, disagreements)
    _apply_ranges([each for each in mentions if each.role == "range"], drafts, known, existing, disagreements)
    new, covered, conflicts = _without_existing(drafts, known, existing)
    entries = _named(new, known, existing, conflicts)
    if entries and entries[0].name == DEFAULT:
        disagreements += _other_defaults(entries, mentions)
    return Combined(
        entries=tuple(entries),
        covered=tuple(covered),
        disagreements=tuple(disagreements),
        conflicts=tuple(conflicts),
    )


def _drafts(mentions: Sequence[Mention], known: Known, disagreements: list[str]) -> list[_Draft]:
    """One draft for each interpreter that the mentions name, in their order."""
    drafts: list[_Draft] = []
    kinds = {mention: kind_of(mention.given) for mention in mentions if mention.role != "range"}
    by_role = [mention for role in ("pin", "tested", "locked") for mention in kinds if mention.role == role]
    for mention in (each for each in by_role if kinds[each].series):
        alike = [draft for draft in drafts if draft.kind == kinds[mention]]
        if not _merge(mention, alike, known, disagreements):
            if any(draft.mentions[0].file != mention.file and draft.has_place_for(mention) for draft in alike):
                disagreements.append(_loses(mention, alike[0]))
            else:
                drafts.append(_Draft(mention, mention.given, kinds[mention]))
    for mention in (each for each in by_role if not kinds[each].series):
        # Next to a version in the same setting, `latest` is a separate entry, unless both are the same version.
        best = newest(mention.given, known)
        is_alone = all(draft.has_place_for(mention) for draft in drafts)
        fitting = [
            draft
            for draft in drafts
            if satisfies(draft.request, mention.given, known) and (is_alone or newest(draft.request, known) == best)
        ]
        if fitting:
            min(fitting, key=lambda draft: _order(draft, known)).mentions.append(mention)
        else:
            drafts.append(_Draft(mention, mention.given, kinds[mention]))
    return drafts


def _merge(mention: Mention, drafts: Sequence[_Draft], known: Known, disagreements: list[str]) -> bool:
    """Narrow one of the drafts to a mention, trying the same request first; False if none can be narrowed.

    A request without a known build does not narrow any other.
    """
    for draft in sorted(drafts, key=lambda draft: draft.request != mention.given):
        request = narrowed(draft.request, mention.given, known) if draft.has_place_for(mention) else None
        if request is not None:
            # A lock file of another tool has what was selected, not what was requested.
            request = draft.request if mention.role == "locked" else request
            if newest(request, known) is None:
                first = draft.mentions[0]
                for wider, exact in ((draft.request, mention), (mention.given, first)):
                    if newest(wider, known) is not None:
                        words = f"{exact.where} requests {exact.text}, of which no build is known"
                        disagreements.append(f"{words}; the entry requests {wider}")
                        request = wider
                        break
            draft.request = request
            draft.mentions.append(mention)
            return True
    return False


def _loses(mention: Mention, draft: _Draft) -> str:
    first = draft.mentions[0]
    return (
        f"{mention.where} requests {mention.text}, {first.where} requests {first.text}; {first.file} takes precedence"
    )


def _apply_ranges(
    ranges: Sequence[Mention],
    drafts: list[_Draft],
    known: Known,
    existing: Mapping[str, ParsedRequest],
    disagreements: list[str],
) -> None:
    """Keep entries within what the code supports; without entries, use the newest supported version."""
    allowed: ParsedRequest | None = None
    taken: list[Mention] = []
    for mention in ranges:
        both = mention.given if allowed is None else narrowed(allowed, mention.given, known)
        if both is None:
            disagreements.append(f"{mention.where} allows {mention.text} only, which {taken[0].where} excludes")
            continue
        allowed = both
        taken.append(mention)
        for draft in drafts:
            _limit(draft, mention, known, disagreements)
    names = {draft.request.implementation for draft in drafts}
    fulfilled = any(satisfies(entry, allowed, known) for entry in existing.values()) if allowed else True
    if allowed is not None and not fulfilled and "cpython" not in names:
        request = newest_series(allowed, known)
        draft = _Draft(taken[0], request, kind_of(request))
        draft.mentions = list(taken)
        drafts.append(draft)


def _limit(draft: _Draft, mention: Mention, known: Known, disagreements: list[str]) -> None:
    best = newest(draft.request, known) or draft.request.version.exact
    if best is None or mention.given.version.matches(best):
        return
    # A range is about the language: it holds for every implementation.
    limit = replace(mention.given, implementation=draft.request.implementation)
    within = narrowed(draft.request, limit, known)
    if within is not None and newest(within, known) is not None:
        draft.request = within
        draft.mentions.append(mention)
    else:
        first = draft.mentions[0]
        disagreements.append(f"{first.where} requests {first.text}, which {mention.where} excludes ({mention.text})")


def _without_existing(
    drafts: Sequence[_Draft], known: Known, existing: Mapping[str, ParsedRequest]
) -> tuple[list[_Draft], list[tuple[Mention, str]], list[str]]:
    """The drafts that match no entry of the manifest, the mentions that an entry satisfies, and the conflicts."""
    new: list[_Draft] = []
    covered: list[tuple[Mention, str]] = []
    conflicts: list[str] = []
    for draft in drafts:
        fitting = next((name for name, entry in existing.items() if satisfies(entry, draft.request, known)), None)
        alike = next((name for name, entry in existing.items() if kind_of(entry) == draft.kind), None)
        first = draft.mentions[0]
        if fitting is not None:
            covered += [(mention, fitting) for mention in draft.mentions]
        elif alike is not None:
            conflicts.append(f"{first.where} requests {first.text}, entry {alike!r} requests {existing[alike]}")
        else:
            new.append(draft)
    return new, covered, conflicts


def _named(
    drafts: Sequence[_Draft], known: Known, existing: Mapping[str, ParsedRequest], conflicts: list[str]
) -> list[PlannedEntry]:
    """The drafts as entries: the default first, then the newest first, CPython before others."""
    if not drafts:
        return []
    ordered = sorted(drafts, key=lambda draft: _order(draft, known))
    taken: set[str] = set()
    if DEFAULT not in existing:
        default = next((draft for draft in drafts if draft.mentions[0].role == "pin"), ordered[0])
        ordered = [default, *(draft for draft in ordered if draft is not default)]
    entries: list[PlannedEntry] = []
    for draft in ordered:
        is_default = not entries and DEFAULT not in existing
        name = DEFAULT if is_default else next(each for each in _names(draft.request) if each not in taken)
        if name in existing:
            first = draft.mentions[0]
            conflicts.append(f"{first.where} requests {first.text}, entry {name!r} requests {existing[name]}")
            continue
        taken.add(name)
        entries.append(PlannedEntry(name=name, request=draft.request, mentions=tuple(draft.mentions)))
    return entries


def _order(draft: _Draft, known: Known) -> tuple[object, ...]:
    request, best = draft.request, newest(draft.request, known)
    numbers = (-best.major, -best.minor, -best.patch) if best else (1, 1, 1)
    plain = (best is None, request.implementation, request.freethreaded, request.debug)
    return (*plain, bool(best and best.prerelease), numbers)


def _names(request: ParsedRequest) -> Iterable[str]:
    """``py312``, ``py313t``, ``pypy311``; ``py312-5`` if that is taken, then with a number."""
    prefix = {"cpython": "py"}.get(request.implementation, request.implementation)
    kind = kind_of(request)
    letters = "t" * request.freethreaded + "d" * request.debug
    name = f"{prefix}{(kind.series or '3').replace('.', '')}{letters}"
    check_name(name)
    yield name
    exact = request.version.exact
    if exact is not None:
        yield f"{name}-{exact.patch}{exact.prerelease}"
    yield from (f"{name}-build{number}" for number in range(2, 1000))


def _other_defaults(entries: Sequence[PlannedEntry], mentions: Sequence[Mention]) -> list[str]:
    """A sentence for each file that people run Python by and whose first version is not the default's."""
    default = entries[0]
    firsts: dict[str, Mention] = {}
    for mention in mentions:
        if mention.role == "pin":
            firsts.setdefault(mention.file, mention)
    own = next((mention for mention in default.mentions if mention.role == "pin"), None)
    names = {mention: entry.name for entry in entries for mention in entry.mentions}
    return [
        f"{mention.where} requests {mention.text} (entry {names[mention]!r}), {own.where} requests {own.text}; "
        f"entry '{DEFAULT}' has that of {own.file}"
        for mention in firsts.values()
        if own is not None and mention in names and names[mention] != DEFAULT
    ]
