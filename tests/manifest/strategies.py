"""Hypothesis strategies for versions, requests and entries of a manifest."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st

from provision.manifest.version_request import ParsedRequest, VersionRequest
from provision.model.asset import CPU_LEVELS, CPU_REQUESTS, FLAVORS, IMPLEMENTATIONS, OPTIONS, CpuLevel
from provision.model.target import KNOWN_TARGETS, Target
from provision.model.version import Version

# For properties: a busy machine is no failure.
unhurried = settings(deadline=None)

_MINORS = st.integers(11, 15)
_PATCHES = st.integers(0, 3)
_STAGES = st.sampled_from(["", "", "", "a1", "b2", "rc1", "rc2"])
_OPERATORS = st.sampled_from([">=", ">", "<", "<=", "==", "!="])

HEX = st.text("0123456789abcdef", min_size=64, max_size=64)
NAMES = st.from_regex(r"[a-z][a-z0-9._-]{0,8}[a-z0-9]", fullmatch=True).filter(
    lambda name: name.partition(".")[0] not in {"bin", "con", "prn", "aux", "nul"} and name[:3] not in {"com", "lpt"}
)
TARGETS = st.sampled_from(sorted(KNOWN_TARGETS.values(), key=str))


@st.composite
def versions(draw: st.DrawFn) -> Version:
    """Few enough that comparisons often meet."""
    return Version.parse(f"3.{draw(_MINORS)}.{draw(_PATCHES)}{draw(_STAGES)}")


@st.composite
def clauses(draw: st.DrawFn) -> str:
    """One comparison, as PEP 440 writes it."""
    series = f"3.{draw(_MINORS)}"
    match draw(st.sampled_from(["prefix", "compatible", "short", "whole"])):
        case "prefix":
            return draw(st.sampled_from(["==", "!="])) + draw(st.sampled_from([f"{series}.*", "3.*", f"{series}.0.*"]))
        case "compatible":
            return "~=" + draw(st.sampled_from([series, f"{series}.{draw(_PATCHES)}{draw(_STAGES)}"]))
        case "short":
            return draw(_OPERATORS) + series
        case _:
            return draw(_OPERATORS) + f"{series}.{draw(_PATCHES)}{draw(_STAGES)}"


SPECIFIER_SETS = st.lists(clauses(), min_size=1, max_size=3).map(",".join)
SATISFIABLE_SETS = SPECIFIER_SETS.filter(lambda text: VersionRequest.parse(text).is_satisfiable)
PLAIN_VERSIONS = st.one_of(st.just("3"), _MINORS.map("3.{}".format), versions().map(str))


@st.composite
def parsed_requests(draw: st.DrawFn) -> ParsedRequest:
    """All that a request's text can say."""
    target: Target | None = draw(st.none() | TARGETS)
    cpu: CpuLevel | None = None
    if target is not None and target.arch == "x86_64":
        cpu = draw(st.sampled_from(CPU_LEVELS))
    return ParsedRequest(
        implementation=draw(st.sampled_from(IMPLEMENTATIONS)),
        version=VersionRequest.parse(draw(PLAIN_VERSIONS | SATISFIABLE_SETS)),
        freethreaded=draw(st.booleans()),
        debug=draw(st.booleans()),
        build=draw(st.none() | st.sampled_from(["20261021", "7.3.20"])),
        cpu=cpu,
        target=target,
    )


@st.composite
def specs(draw: st.DrawFn) -> dict[str, object]:
    """The keys of an entry that agree with each other."""
    optional: dict[str, st.SearchStrategy[object]] = {
        "freethreaded": st.booleans(),
        "debug": st.booleans(),
        "build": st.just("20260814"),
        "flavor": st.sampled_from(FLAVORS),
        "cpu": st.sampled_from(CPU_REQUESTS),
        "targets": st.lists(TARGETS.map(str), min_size=1, max_size=3, unique=True),
        "build-options": st.lists(st.sampled_from([o for o in OPTIONS if o[0] not in "fd"]), max_size=2, unique=True),
        "prereleases": st.just(True),
        "cooldown": st.sampled_from(["3 days", "1 week", 0]),
        "bytecode": st.sampled_from(["unchecked-hash", False]),
        "externally-managed": st.booleans(),
        "without": st.lists(st.sampled_from(["tests", "idle", "tkinter"]), max_size=2, unique=True),
        "sha256": st.dictionaries(TARGETS.map(str), HEX, min_size=1, max_size=2),
    }
    spec: dict[str, object] = {"version": draw(PLAIN_VERSIONS | SATISFIABLE_SETS)}
    for key in draw(st.lists(st.sampled_from(sorted(optional)), unique=True, max_size=4)):
        spec[key] = draw(optional[key])
    return spec
