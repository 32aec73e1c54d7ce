"""Version requests: PEP 440's ranges, uv's short forms and keys.

`lock.candidates` finds the builds that satisfy them.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, cast

from provision.manifest.spellings import IMPLEMENTATION_ALIASES, equivalent, respelled, why_unavailable
from provision.model.asset import CPU_LEVELS, IMPLEMENTATIONS, CpuLevel, Implementation
from provision.model.target import Target
from provision.model.value import field, frozen, replace
from provision.model.version import Version
from provision.text import quoted

Operator = Literal[">=", ">", "==", "!=", "<", "<="]

# Python in WebAssembly: uv's catalog lists it, without a hash, and for a platform that is not among our targets.
_PYODIDE = (
    "Pyodide cannot be locked, as its archives are published without a sha256; "
    f"known implementations are {', '.join(IMPLEMENTATIONS)}"
)
_EXAMPLES = "such as 3.14, 3.14.2, 3.15.0rc1, >=3.12,<3.14, 3.14t, pypy3.11"

# The same grammar for JSON schemas (ECMA 262): all that `parse_request` reads in lower case, and little else.
_NUMBER = "[0-9]{1,4}"
_STAGE = f"[._-]?(a|alpha|b|beta|c|rc|pre|preview)[._-]?{_NUMBER}"
_TWO_OR_MORE = f"[0-9]\\.{_NUMBER}(\\.{_NUMBER})?({_STAGE})?"
_WHOLE = f"([0-9]|{_TWO_OR_MORE})"
_BOUND = f"((>=|>|==|!=|<=|<) *{_WHOLE}|~= *{_TWO_OR_MORE}|(==|!=) *[0-9](\\.{_NUMBER}){{0,2}}\\.\\*)"
_NAMED = f"({'|'.join((*IMPLEMENTATIONS, *IMPLEMENTATION_ALIASES))})"
_ONE = f"{_WHOLE}|[0-9](\\.{_NUMBER})?\\.[x*]"
REQUEST_PATTERN = (
    f"^ *(latest|{_NAMED}([@-]?latest)?|{_NAMED}[@-]?[0-9]{{2,3}}(t|d|td)?"
    f"|{_NAMED}?[@-]?({_ONE}|{_BOUND}( *, *{_BOUND})*)(t|d|td)?)"
    "(\\+(freethreaded|debug|[0-9][0-9.]*))*(-[a-z0-9]+-[a-z0-9_]+(-[a-z]+)?)? *$"
)

_MAX_LENGTH = 200
_OPTIONS = ("freethreaded", "debug")
_ENDS_OF_VERSIONS = tuple("0123456789*")  # what a suffix may follow
_SUFFIXES = {"t": ["freethreaded"], "d": ["debug"], "td": ["freethreaded", "debug"]}
_COMPARISONS = frozenset({"~=", ">=", ">", "==", "!=", "<", "<="})
_WHAT_IT_MEANS = {"==": "3.13", "!=": "!=3.13.*", "<=": "<3.14", ">": ">=3.14"}
_ORDER: tuple[Operator, ...] = (">=", ">", "==", "!=", "<", "<=")


class VersionClause(NamedTuple):
    """One comparison, as in PEP 440; ``prefix`` is the number of components that ``==3.14.*`` compares (2), else 0."""

    operator: Operator
    version: Version
    prefix: int = 0

    def matches(self, candidate: Version) -> bool:
        version = self.version
        match self.operator:
            case "==":
                return self._equals(candidate)
            case "!=":
                return not self._equals(candidate)
            case ">=":
                return candidate >= version
            case "<=":
                return candidate <= version
            case ">":
                return candidate > version
            case "<":  # PEP 440: 3.14.0rc1 is not below 3.14, but it is below 3.14.0rc2
                return candidate < version and (bool(version.prerelease) or _release(candidate) != _release(version))

    def _equals(self, candidate: Version) -> bool:
        if self.prefix:
            return _release(candidate)[: self.prefix] == _release(self.version)[: self.prefix]
        return candidate == self.version

    @property
    def operand(self) -> str:
        """The text after the operator, as short as PEP 440 allows: ``3.14`` for 3.14.0."""
        if self.prefix:
            return ".".join(str(number) for number in _release(self.version)[: self.prefix]) + ".*"
        version = self.version
        return str(version) if version.patch else f"{version.series}{version.prerelease}"


@frozen(kw_only=False)
class VersionRequest:
    """A range of versions: all clauses must match. They are sorted, so that equal requests are equal values.

    ``3.14`` is ``==3.14.*``, and ``3.14.2`` is ``==3.14.2``; ``~=`` is kept as the two clauses that it means. ``notes``
    explain clauses that are often misunderstood.
    """

    clauses: tuple[VersionClause, ...]
    notes: tuple[str, ...] = field(default=(), compare=False)

    @classmethod
    def parse(cls, text: str) -> VersionRequest:
        """Read a version, its first numbers, or comparisons joined by commas; raise `ValueError` on anything else."""
        notes: tuple[str, ...] = ()
        if text[:1] in {">", "<", "=", "!", "~"}:
            parts = [part.strip() for part in text.split(",")]
            clauses = {clause for part in parts for clause in _read_clause(part)}
            notes = tuple(note for part in parts if (note := _note_on(part)))
        else:
            clauses = {_read_version(text)}
        ordered = sorted(clauses, key=lambda clause: (_ORDER.index(clause.operator), *clause[1:]))
        return cls(tuple(ordered), notes)

    def matches(self, version: Version) -> bool:
        """Whether a version is in the range; the caller decides whether prereleases are allowed at all."""
        return all(clause.matches(version) for clause in self.clauses)

    @property
    def is_satisfiable(self) -> bool:
        """Whether any possible version is in the range.

        The lowest version of a range is the first of all, one that a clause names, or the next one after such.
        """
        lowest = [_lowest(0)]
        for version in (clause.version for clause in self.clauses):
            major, minor, patch = _release(version)
            lowest += [version, _lowest(major, minor, patch), _lowest(major, minor, patch + 1)]
            lowest += [_lowest(major, minor + 1), _lowest(major + 1)]
            if version.prerelease:
                lowest.append(replace(version, stage=(version.stage[0], version.stage[1] + 1)))
        return any(self.matches(version) for version in lowest)

    @property
    def allows_prerelease(self) -> bool:
        """Whether the text itself names a prerelease (an exclusion does not count, as in PEP 440)."""
        return any(clause.version.prerelease and clause.operator != "!=" for clause in self.clauses)

    @property
    def exact(self) -> Version | None:
        """The version, if the request is a single one written in full."""
        first = self.clauses[0]
        alone = len(self.clauses) == 1 and first.operator == "==" and not first.prefix
        return first.version if alone else None

    def __str__(self) -> str:
        if self.exact is not None:
            return str(self.exact)
        first = self.clauses[0]
        if len(self.clauses) == 1 and first.operator == "==" and first.prefix < 3:
            return first.operand.removesuffix(".*")
        return ",".join(f"{clause.operator}{clause.operand}" for clause in self.clauses)


@frozen
class ParsedRequest:
    """A request as its text says it; ``build``, ``cpu`` and ``target`` are None if it names none.

    `parse_request` and `str` are inverses.
    """

    implementation: Implementation = "cpython"
    version: VersionRequest
    freethreaded: bool = False
    debug: bool = False
    build: str | None = None
    cpu: CpuLevel | None = None
    target: Target | None = None

    def __str__(self) -> str:
        version, build = str(self.version), f"+{self.build}" if self.build else ""
        plain = self.implementation == "cpython" and self.target is None
        if plain and version[0].isdigit():
            return f"{version}{'t' * self.freethreaded}{'d' * self.debug}{build}"
        text = version + build + "+freethreaded" * self.freethreaded + "+debug" * self.debug
        if plain:
            return text
        if self.target is None:
            return f"{self.implementation}{text}"
        level = f"_{self.cpu}" if self.cpu and self.cpu != "baseline" else ""
        platform = f"{self.target.os}-{self.target.arch}{level}-{self.target.libc or 'none'}"
        return f"{self.implementation}-{text}-{platform}"


def parse_request(text: str) -> ParsedRequest:
    """Read every form of a request; raise `ValueError` with one sentence on anything else.

    ``3.14``, ``>=3.12,<3.14``, ``3.14td``, ``3.14+freethreaded+debug``, ``pypy3.11``, ``pypy@3.11``, and uv's keys,
    ``cpython-3.13.5+freethreaded-linux-x86_64_v3-gnu``. A key for x86-64 without a level means the baseline. A build
    may follow the version, as in our own output: ``3.14.9+20261021``. `manifest.spellings` has what else is read.
    """
    if len(text) > _MAX_LENGTH:
        raise ValueError(f"a version request has at most {_MAX_LENGTH} characters")
    try:
        return _parse(text)
    except ValueError as error:
        if meant := equivalent(text, _is_request):
            raise ValueError(f"{error}; did you mean {meant!r}?") from None
        if reason := why_unavailable(text):
            raise ValueError(f"{quoted(text)} {reason}; request a version {_EXAMPLES}") from None
        raise


def parse_foreign_request(text: str) -> ParsedRequest:
    """Like `parse_request`, for the file of another tool: a text that is refused with a suggestion is read as the
    suggestion.
    """
    try:
        return parse_request(text)
    except ValueError:
        meant = equivalent(text, _is_request) if len(text) <= _MAX_LENGTH else ""
        if not meant:
            raise
        return _parse(meant)


def _parse(text: str) -> ParsedRequest:
    implementation, rest = _split_implementation(respelled(text), text)
    body, dash, platform = rest.partition("-")
    version, *options = body.split("+")
    bare = version.rstrip("td")
    if bare[-1:] in _ENDS_OF_VERSIONS and (short := _SUFFIXES.get(version[len(bare) :])):
        version = bare
        options += short
    builds = [option for option in options if option[:1].isdigit() and not option.strip("0123456789.")]
    for option in options:
        if option not in (*_OPTIONS, *builds[:1]):
            raise ValueError(f"{option!r} in {text!r} is not a build such as +20261021, +freethreaded or +debug")
    try:
        versions = VersionRequest.parse(version)
    except ValueError:
        raise ValueError(_not_a_request(text)) from None
    if not versions.is_satisfiable:
        raise ValueError(f"no version can satisfy {text!r}: its comparisons exclude each other")
    target, cpu = _read_platform(platform, text) if dash else (None, None)
    return ParsedRequest(
        implementation=implementation,
        version=versions,
        freethreaded="freethreaded" in options,
        debug="debug" in options,
        build=builds[0] if builds else None,
        cpu=cpu,
        target=target,
    )


def _split_implementation(request: str, text: str) -> tuple[Implementation, str]:
    rest = request.lstrip("abcdefghijklmnopqrstuvwxyz")
    name = request[: len(request) - len(rest)]
    if not name:
        return "cpython", rest
    if name == "pyodide":
        raise ValueError(f"{text!r}: {_PYODIDE}")
    if name not in IMPLEMENTATIONS:
        if rest.lstrip("@-")[:1].isdigit():
            raise ValueError(f"{text!r} names an unknown implementation; expected one of {', '.join(IMPLEMENTATIONS)}")
        raise ValueError(_not_a_request(text))
    return name, rest[1:] if rest[:1] in {"@", "-"} else rest


def _not_a_request(text: str) -> str:
    return f"{text!r} is not a version request {_EXAMPLES}"


def _is_request(text: str) -> bool:
    try:
        _parse(text)
    except ValueError:
        return False
    return True


def _note_on(text: str) -> str:
    """A note on a comparison with less than three numbers, which PEP 440 pads with zeros; empty for others."""
    operator = text[:2] if text[:2] in _COMPARISONS else text[:1]
    operand = text[len(operator) :].strip()
    if operator not in _WHAT_IT_MEANS or operand.strip("0123456789.") or operand.count(".") > 1:
        return ""
    major, _, minor = operand.partition(".")
    prefix, after = (operand, f"{major}.{int(minor) + 1}") if minor else (major, str(int(major) + 1))
    for_all = _WHAT_IT_MEANS[operator].replace("3.13", prefix).replace("3.14", after)
    whole = operand + (".0" if minor else ".0.0")
    return f'version {text} means {operator}{whole} according to PEP 440; for all of {operand} write "{for_all}"'


def _read_version(text: str) -> VersionClause:
    """Read a version, or its first numbers; the patch of a prerelease may be left out, as it is always 0."""
    stage = text.lstrip("0123456789.")
    numbers = text[: len(text) - len(stage)].split(".")
    width = len(numbers)
    if not text.isascii() or len(numbers[0]) != 1 or width > 3 or (stage and width == 1):
        raise ValueError(f"{text!r} is not a version")
    version = Version.parse(".".join(numbers + ["0"] * (3 - width)) + stage)
    return VersionClause("==", version, 0 if stage or width == 3 else width)


def _read_clause(text: str) -> tuple[VersionClause, ...]:
    operator = text[:2] if text[:2] in _COMPARISONS else text[:1]
    operand = text[len(operator) :].strip(" ")
    clause = _read_version(operand.removesuffix(".*"))
    width = operand.removesuffix(".*").count(".") + 1
    if operator not in _COMPARISONS:
        raise ValueError(f"{text!r} is not a comparison")
    if operand.endswith(".*"):
        if operator not in {"==", "!="} or clause.version.prerelease:
            raise ValueError(f"{text!r}: .* is allowed with == and != only")
        return (VersionClause(cast(Operator, operator), clause.version, width),)
    if operator == "~=":
        if width == 1:
            raise ValueError(f"{text!r}: ~= requires at least two numbers")
        return (VersionClause(">=", clause.version), VersionClause("==", _prefix(clause.version, width - 1), width - 1))
    return (VersionClause(cast(Operator, operator), clause.version),)


def _release(version: Version) -> tuple[int, int, int]:
    """The numbers of a version: its release segment, in the terms of PEP 440."""
    return version.major, version.minor, version.patch


def _lowest(major: int, minor: int = 0, patch: int = 0) -> Version:
    """The first prerelease, a0."""
    return Version(major=major, minor=minor, patch=patch, stage=(0, 0))


def _prefix(version: Version, width: int) -> Version:
    """The smallest final version of a prefix, so that equal prefixes are equal values."""
    return Version(major=version.major, minor=version.minor if width > 1 else 0, patch=0)


def _read_platform(text: str, whole: str) -> tuple[Target, CpuLevel | None]:
    """Read the end of a uv key: ``linux-x86_64_v3-gnu``, ``darwin-aarch64-none``."""
    os, _, rest = text.partition("-")
    arch, _, libc = rest.partition("-")
    level: CpuLevel = "baseline"
    for cpu in CPU_LEVELS[1:]:
        if arch == f"x86_64_{cpu}":
            arch, level = "x86_64", cpu
    system = f"{os}-{arch}" + ("" if libc in {"", "none", "gnu"} else f"-{libc}")
    try:
        target = Target.parse(system)
    except ValueError:
        raise ValueError(f"{text!r} in {whole!r} is not a target such as linux-x86_64-gnu") from None
    if libc and libc != (target.libc or "none"):
        raise ValueError(f"{text!r} in {whole!r}: {target.os} has no libc {libc!r}")
    return target, level if target.arch == "x86_64" else None
