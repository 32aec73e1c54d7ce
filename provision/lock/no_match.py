"""Why no asset satisfies a request, and what exists instead.

The first missing property (implementation, version, final release, build, cooldown) decides which message applies. If
all of these exist, the targets without an asset are named, and the request is relaxed by one property at a time to find
what exists. If a build's list of assets is not complete, assets that it lacks may exist: they are "not known here".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet

from provision.errors import ProvisionError, ResolutionError, SeveralErrors
from provision.lock.age import Cooldown
from provision.lock.candidates import Candidate, CatalogView, ResolvedRequest, Slot
from provision.lock.matching import OptionFilter, required_level
from provision.manifest.manifest import Request
from provision.model.asset import CPU_LEVELS, Asset, BuildOptions, CpuLevel, Variant
from provision.model.target import Target
from provision.model.version import Version
from provision.text import comma_list

_CATALOG_HINT = (
    "Run `provision catalog list` to see all builds, `provision catalog update` to download the newest list."
)
_NEVER_HINT = "Change the request or its `targets`; run `provision catalog list` to see all builds."

# The hint if a build's list of assets is not complete.
LEARN_MORE = "run `provision catalog update` to complete the list"
_TITLES = {"cpython": "CPython", "pypy": "PyPy", "graalpy": "GraalPy"}

# What a variant must satisfy, by the property of the request that requires it.
_Tests = Mapping[str, Callable[[Variant], bool]]


def no_match_error(resolved: ResolvedRequest, catalog_view: CatalogView) -> ProvisionError:
    """The error, or all errors, of a request that no asset satisfies; each says what exists."""
    errors = [
        ResolutionError(with_entry_name(resolved.request, message), place=resolved.request.place, hint=hint)
        for message, hint in _missing(resolved, catalog_view)
    ]
    return errors[0] if len(errors) == 1 else SeveralErrors(errors)


def _missing(resolved: ResolvedRequest, catalog_view: CatalogView) -> list[tuple[str, str]]:
    """Messages with hints, about the first missing property."""
    request = resolved.request
    versions = catalog_view.versions(request.implementation)
    if not versions:
        known = comma_list(implementation_title(name) for name in catalog_view.catalog.implementations())
        return [(f"no catalog has {implementation_title(request.implementation)}; known are {known}", _CATALOG_HINT)]
    in_range = [version for version in versions if request.version.matches(version)]
    if not in_range:
        return [(f"no {request_title(request)} is known here; {_nearest(resolved, versions)}", _CATALOG_HINT)]
    allowed = [version for version in in_range if resolved.allows(version)]
    if not allowed:
        newest = in_range[0]
        return [
            (
                f"no final release of {request_title(request)} is known here; the newest prerelease is {newest}",
                f'Request "{newest}", or set `prereleases = true`.',
            )
        ]
    if not any(True for _ in catalog_view.allowed_builds(resolved)):
        return [(_no_build(resolved, catalog_view, allowed), _CATALOG_HINT)]
    if message := _all_in_cooldown(resolved, catalog_view):
        return [(message, "Wait until then, and run `provision catalog update` before `provision lock`.")]
    return list(_missing_targets(resolved, catalog_view))


def _nearest(resolved: ResolvedRequest, versions: tuple[Version, ...]) -> str:
    """The versions nearest to the requested one, or else the series that exist."""
    requested = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", str(resolved.request.version))
    if requested:
        major, minor, patch = (int(number or 0) for number in requested.groups())
        same = [version for version in versions if (version.major, version.minor) == (major, minor)]
        if same:
            near = sorted(same, key=lambda version: abs(version.patch - patch))[:3]
            return f"the nearest versions are {comma_list(str(version) for version in near)}"
    return f"known series are {series_list(versions)}"


def _no_build(resolved: ResolvedRequest, catalog_view: CatalogView, allowed: list[Version]) -> str:
    implementation, build = resolved.request.implementation, str(resolved.request.build)
    of_build = [
        version
        for version in catalog_view.versions(implementation)
        if build in catalog_view.builds(implementation, version)
    ]
    newest = allowed[0]
    builds = comma_list(catalog_view.builds(implementation, newest), most=5)
    has = f"that build has {comma_list(map(str, of_build), most=6)}" if of_build else "that build is unknown"
    title = implementation_title(implementation)
    return (
        f"no {title} {resolved.request.version} of build {build} is known here: {has}; builds of {newest} are {builds}"
    )


def _all_in_cooldown(resolved: ResolvedRequest, catalog_view: CatalogView) -> str:
    """The message if builds satisfy the request except for the cooldown; else empty."""
    if not resolved.request.cooldown:
        return ""
    without_cooldown = resolved._replace(cooldown=Cooldown(0, ""))
    for version, build in catalog_view.allowed_builds(resolved):
        for candidate in catalog_view.candidates(without_cooldown, version, build):
            if not candidate.missing:
                title, cooldown = request_title(resolved.request), resolved.cooldown
                return (
                    f"all matching builds of {title} are in their cooldown of {cooldown}; "
                    f"{version}+{build} can be locked from {_available(cooldown, candidate.assets)}; "
                    f"{cooldown.reckoning(candidate.assets[0])}"
                )
    return ""


def _available(cooldown: Cooldown, assets: tuple[Asset, ...]) -> str:
    return max((cooldown.available_from(asset) for asset in assets), default="") or "a date after the year 9999"


def _missing_targets(resolved: ResolvedRequest, catalog_view: CatalogView) -> Iterator[tuple[str, str]]:
    """One message for all targets that lack the same, with its hint; at least one message.

    The versions and builds that the request allows must exist, and none of them have every target. The hint does not
    suggest updating the catalog if upstream never made such a build for a target.
    """
    request = resolved.request
    cpu = required_level(request) or "baseline"
    existing = _ExistingBuilds(resolved, catalog_view)
    groups: dict[tuple[str, ...], list[Target]] = {}
    hints: dict[tuple[str, ...], str] = {}
    for target in resolved.targets:
        tests = _tests(resolved, (target, cpu))
        if not existing.variants(tests):
            alternatives = tuple(_alternatives(resolved, existing, tests, variant_words(request, cpu)))
            groups.setdefault(alternatives, []).append(target)
            newer_may_have_it = existing.other_builds(tests) or not _is_before_all(resolved, existing, tests)
            hints[alternatives] = _CATALOG_HINT if newer_may_have_it else _NEVER_HINT
    words = variant_words(request, cpu)
    verb = "exists" if _all_complete(resolved, catalog_view) else "is known here"
    for alternatives, targets in groups.items():
        head = f"no {words and f'{words} '}build of {request_title(request)} {verb} for {target_list(targets)}"
        yield "; ".join((head, *alternatives)), hints[alternatives]
    if not groups:
        yield _never_together(resolved, catalog_view), _CATALOG_HINT


def _is_before_all(resolved: ResolvedRequest, existing: _ExistingBuilds, tests: _Tests) -> bool:
    """Whether no version has such a build, or, of those without the GIL, only versions after the requested ones."""
    versions = existing.other_versions(tests)
    return not versions or (resolved.option_filter.freethreaded and existing.is_below(min(versions)))


def _all_complete(resolved: ResolvedRequest, catalog_view: CatalogView) -> bool:
    """Whether the catalog has the whole list of assets of every build that the request allows."""
    implementation = resolved.request.implementation
    return all(catalog_view.is_complete(implementation, *build) for build in catalog_view.allowed_builds(resolved))


class _ExistingBuilds:
    """The assets of an implementation that pass given tests, which are those of a slot or a part of them."""

    def __init__(self, resolved: ResolvedRequest, catalog_view: CatalogView) -> None:
        implementation, pinned = resolved.request.implementation, resolved.request.build
        self._builds, self._numbers = catalog_view.builds_by_variant(implementation)
        self._allowed = {version for version in catalog_view.versions(implementation) if resolved.allows(version)}
        numbered = [
            (number, version in self._allowed, pinned in (None, build))
            for number, (version, build) in enumerate(self._builds)
        ]
        self._in_request = {number for number, allowed, as_pinned in numbered if allowed and as_pinned}
        self._other_versions = {number for number, allowed, as_pinned in numbered if not allowed and as_pinned}
        self._other_builds = {number for number, allowed, as_pinned in numbered if allowed and not as_pinned}

    def variants(self, tests: _Tests, *, without: str = "") -> list[Variant]:
        """Variants in the versions and builds that the request allows; the test named ``without`` is left out."""
        applied = [test for name, test in tests.items() if name != without]
        found = (variant for variant, builds in self._numbers.items() if not self._in_request.isdisjoint(builds))
        return [variant for variant in found if all(test(variant) for test in applied)]

    def other_versions(self, tests: _Tests) -> list[Version]:
        """Versions that the request excludes, in the build that it names, if any."""
        return [version for version, _ in self._with(tests, self._other_versions)]

    def other_builds(self, tests: _Tests) -> list[str]:
        """Builds other than the requested one, of versions that the request allows."""
        return [build for _, build in self._with(tests, self._other_builds)]

    def is_below(self, version: Version) -> bool:
        """Whether every version that the request allows is older than the given one."""
        return all(allowed < version for allowed in self._allowed)

    def _with(self, tests: _Tests, numbers: AbstractSet[int]) -> list[tuple[Version, str]]:
        """Those of the builds with the given numbers that have such a variant, newest first."""
        passing = (found for variant, found in self._numbers.items() if all(test(variant) for test in tests.values()))
        return [self._builds[number] for number in sorted(numbers & set().union(*passing))]


def _tests(resolved: ResolvedRequest, slot: Slot) -> _Tests:
    """What a variant must satisfy to fill a slot."""
    target, cpu = slot
    option_filter, flavor = resolved.option_filter, resolved.request.flavor
    return {
        "target": lambda variant: variant.target == target,
        "cpu": lambda variant: variant.cpu == cpu,
        "flavor": lambda variant: flavor in (None, variant.flavor),
        "gil": lambda variant: variant.options.freethreaded == option_filter.freethreaded,
        "debug": lambda variant: variant.options.debug == option_filter.debug,
        "options": lambda variant: option_filter.accepts(variant.options),
    }


def _alternatives(resolved: ResolvedRequest, existing: _ExistingBuilds, tests: _Tests, words: str) -> Iterator[str]:
    """What exists instead, with one text for targets that lack the same."""
    if relaxed := tuple(_by_relaxing(resolved, existing, tests, words)):
        yield from relaxed
        return
    target_only = {"target": tests["target"]}
    if found := existing.variants(target_only):
        yield f"the known builds are {options_list(variant.options for variant in found)}"
    elif versions := existing.other_versions(target_only):
        yield f"other builds exist for {series_list(versions)}"


def _by_relaxing(resolved: ResolvedRequest, existing: _ExistingBuilds, tests: _Tests, words: str) -> Iterator[str]:
    """What exists if one property of the request is left out, for each property."""
    if versions := existing.other_versions(tests):
        begin = min(versions)
        if resolved.option_filter.freethreaded and existing.is_below(begin):
            yield f"free-threaded builds begin with {begin.series}"
        else:
            yield f"such builds exist for {series_list(versions)}"
    if builds := existing.other_builds(tests):
        yield f"matching builds are {comma_list(dict.fromkeys(builds), most=5)}"
    if found := existing.variants(tests, without="target"):
        yield f"{words or 'the build'} exists for {target_list(variant.target for variant in found)}"
    if found := existing.variants(tests, without="options"):
        yield f"the known build options are {options_list(variant.options for variant in found)}"
    if found := existing.variants(tests, without="flavor"):
        yield f"the known flavors are {comma_list(sorted({variant.flavor for variant in found}))}"
    if found := existing.variants(tests, without="cpu"):
        yield f"the known CPU levels are {level_list(variant.cpu for variant in found)}"


def _never_together(resolved: ResolvedRequest, catalog_view: CatalogView) -> str:
    """The message when each target has an asset, but no one version, build and flavor has all of them."""
    nearest: Candidate | None = None
    for version, build in catalog_view.allowed_builds(resolved):
        for candidate in catalog_view.candidates(resolved, version, build):
            if nearest is None or len(candidate.missing) < len(nearest.missing):
                nearest = candidate
    targets = target_list(resolved.targets)
    has = "has" if _all_complete(resolved, catalog_view) else "is known to have"
    message = f"no single build of {request_title(resolved.request)} {has} all of {targets}"
    if nearest is None:
        return message
    return (
        f"{message}; the nearest, {nearest.version}+{nearest.build} {nearest.flavor}, "
        f"lacks {target_list(target for target, _ in nearest.missing)}: add a separate entry for those targets"
    )


def implementation_title(name: str) -> str:
    """``PyPy`` for ``pypy``."""
    return _TITLES.get(name, name)


def with_entry_name(request: Request, message: str) -> str:
    """The message, beginning with the entry's name if no place in a file names it."""
    return message if request.place else f"{request.name}: {message}"


def request_title(request: Request) -> str:
    """``CPython 3.14`` or ``CPython 3.12.11 of build 20250818``: the request without its variant."""
    build = f" of build {request.build}" if request.build else ""
    return f"{implementation_title(request.implementation)} {request.version}{build}"


def variant_words(request: Request, cpu: CpuLevel = "baseline") -> str:
    """``v3 free-threaded debug full``: the requested level, options and flavor; empty where none is requested."""
    options = OptionFilter.of(request)
    words = (
        cpu if cpu != "baseline" else "",
        "free-threaded" * options.freethreaded,
        "debug" * options.debug,
        str(BuildOptions(options.optimisations or frozenset())),
        "static" * options.static,
        "shared" * options.shared,
        request.flavor or "",
    )
    return " ".join(word for word in words if word)


def target_list(targets: Iterable[Target]) -> str:
    """Short forms, sorted."""
    return comma_list(sorted({target.short for target in targets}))


def level_list(levels: Iterable[CpuLevel]) -> str:
    """Levels in ascending order."""
    return comma_list(sorted(set(levels), key=CPU_LEVELS.index))


def options_list(options: Iterable[BuildOptions]) -> str:
    """Sets of options, the smaller ones first."""
    texts = {str(each) or "none" for each in options}
    return comma_list(sorted(texts, key=lambda text: (text.count("+"), text)))


def series_list(versions: Iterable[Version]) -> str:
    """``3.8, 3.10 to 3.14``: the series of versions, consecutive ones as a range."""
    runs: list[list[tuple[int, int]]] = []
    for series in sorted({(version.major, version.minor) for version in versions}):
        if runs and runs[-1][-1] == (series[0], series[1] - 1):
            runs[-1].append(series)
        else:
            runs.append([series])
    return comma_list(_run(run) for run in runs)


def _run(run: list[tuple[int, int]]) -> str:
    words = [f"{major}.{minor}" for major, minor in run]
    return f"{words[0]} to {words[-1]}" if len(words) > 2 else ", ".join(words)
