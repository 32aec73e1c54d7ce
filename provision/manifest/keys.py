"""All keys of `pythons.toml`: the tables of settings, entries and policy.

Each key is one field: its kind, its documentation, its examples. Reading, suggestions and the JSON schema are derived
from these. A missing key is None, or the default given here; `Request.of` merges an entry with the settings.
"""

from __future__ import annotations

from typing import Literal, get_args

from provision.manifest.kinds import (
    TARGET,
    ByTarget,
    Choice,
    Day,
    Duration,
    Flag,
    ListOf,
    Number,
    Switch,
    Table,
    Text,
)
from provision.manifest.version_request import REQUEST_PATTERN, ParsedRequest, parse_request
from provision.model.asset import CPU_REQUESTS, FLAVORS, OPTIONS, CpuRequest, Digest, Flavor
from provision.model.table import defaulted, keyed, optional, required
from provision.model.target import Target
from provision.model.tree import REMOVABLE_PARTS, RemovablePart
from provision.url import (
    CATALOG_PATTERN,
    HOST_PATTERN,
    MAX_URL_LENGTH,
    URL_PATTERN,
    parse_catalog,
    parse_host,
    parse_url,
)

AdvisorySeverity = Literal["unknown", "low", "medium", "high", "critical"]
ADVISORY_SEVERITIES: tuple[AdvisorySeverity, ...] = get_args(AdvisorySeverity)  # in ascending order
ProvenancePolicy = Literal["off", "prefer", "required", "vendored"]
PROVENANCE_POLICIES: tuple[ProvenancePolicy, ...] = get_args(ProvenancePolicy)
AdvisoryPolicy = Literal["error", "warn", "off"]
ADVISORY_POLICIES: tuple[AdvisoryPolicy, ...] = get_args(AdvisoryPolicy)


def parse_build(text: str) -> str:
    """Return a build unchanged: PBS's release tag, or the version of another implementation."""
    if not (
        text[:1].isalnum() and text.isascii() and text.replace(".", "").replace("-", "").replace("_", "").isalnum()
    ):
        raise ValueError(f"{text!r} is not a build such as '20260814'")
    if (tag := tag_of_date(text)) != text:
        raise ValueError(f"{text!r} is a date; the build of that day is {tag!r}")
    return text


def tag_of_date(text: str) -> str:
    """The release tag of a date, ``20261110`` for ``2026-11-10``; any other text unchanged."""
    digits = text.replace("-", "")
    is_date = [len(part) for part in text.split("-")] == [4, 2, 2] and text.isascii() and digits.isdecimal()
    return digits if is_date else text


def parse_code(text: str) -> str:
    """Return the code of an audit finding, or the id of an advisory, unchanged."""
    prefix, dash, number = text.partition("-")
    is_id = dash and prefix.isascii() and prefix.isalpha() and prefix.isupper() and number.replace("-", "").isalnum()
    is_code = len(text) == 5 and text.startswith("PV") and text[2:].isascii() and text[2:].isdigit()
    if not (is_code or (is_id and text.isascii())):
        raise ValueError(
            f"{text!r} is neither a finding's code such as 'PV001' nor an advisory's id such as 'CVE-2026-6100'"
        )
    return text


def parse_identity(text: str) -> str:
    """Return the https URL of a workflow or an issuer unchanged."""
    if not (text.startswith("https://") and len(text) > 8 and text.isascii() and text.isprintable()) or (
        set(text) & set(' "\\')
    ):
        raise ValueError(f"{text!r} is not an https URL")
    return text


def parse_reason(text: str) -> str:
    """Return a reason unchanged; raise `ValueError` if it is blank."""
    if not text.strip():
        raise ValueError("expected a reason that is not empty")
    return text


VERSION = Text(parse_request, such_as="3.14", pattern=REQUEST_PATTERN)
_BUILD = Text(parse_build, such_as="20260814", pattern="^[A-Za-z0-9][A-Za-z0-9._-]*$", longest=64)
_SHA256 = Text(Digest.parse, such_as="9f86d081…", pattern="^(sha256:)?[0-9a-fA-F]{64}$")
_URL = Text(parse_url, such_as="https://…", pattern=URL_PATTERN, longest=MAX_URL_LENGTH)
_CATALOG = Text(parse_catalog, such_as="catalog.ndjson", pattern=CATALOG_PATTERN, longest=MAX_URL_LENGTH)
_HOST = Text(parse_host, such_as="example.com", pattern=HOST_PATTERN)
_CODE = Text(parse_code, such_as="PV001", pattern="^(PV[0-9]{3}|[A-Z]+-[A-Za-z0-9-]+)$")
_IDENTITY = Text(
    parse_identity,
    such_as="https://github.com/example/pythons/.github/workflows/release.yml@refs/heads/main",
    pattern=r"^https://[!#-\[\]-~]+$",
    longest=500,
)
_REASON = Text(parse_reason, such_as="…", pattern=r"\S", longest=1000)

_EXAMPLE_SHA256 = "0b7e1c4b7f4a1f0f3b8a6f4d3a2e1c5d7b9f8e6a4c2d0b1f3e5a7c9d8b6f4e2a"
_EXAMPLE_ARCHIVE = (
    "https://example.com/20260814/cpython-3.13.5%2B20260814-x86_64-unknown-linux-gnu-install_only_stripped.tar.gz"
)

_EXAMPLE_IDENTITY = "https://github.com/example/pythons/.github/workflows/release.yml@refs/heads/main"

_TARGETS_EXAMPLE = ["linux-x86_64", "linux-aarch64", "macos-aarch64", "windows-x86_64"]


@keyed
class ManifestSettings:
    """The ``[settings]`` table. ``cooldown`` is in seconds; without ``targets``, the host's is meant."""

    targets: tuple[Target, ...] | None = optional(
        ListOf(TARGET, least=1),
        "The platforms to lock, as target triples or in short, `linux-x86_64`. Without it, the host's alone.",
        (_TARGETS_EXAMPLE,),
    )
    flavor: Flavor | None = optional(
        Choice(FLAVORS),
        "The archive flavor to prefer. Builds that are published in other flavors only (debug ones as `full`) are "
        "taken in those; an entry's own `flavor` is binding instead.",
        ("install_only",),
        schema_default=FLAVORS[0],
    )
    cpu: CpuRequest = defaulted(
        Choice(CPU_REQUESTS),
        "The x86-64 level to prefer where a build for it exists. `auto` locks every level, and `sync` takes the best "
        "one that the machine can run.",
        ("baseline", "auto"),
        default="baseline",
    )
    prereleases: bool = defaulted(
        Flag(),
        "Whether alphas, betas and release candidates may be chosen. A version request that names one always may.",
        (True,),
        default=False,
    )
    cooldown: int = defaulted(
        Duration(),
        "Lock no build published more recently than this: a whole number of minutes, hours, days or weeks, or 0.",
        ("3 days", "24 hours", "1 week", 0),
        default=0,
    )
    catalogs: tuple[str, ...] = defaulted(
        ListOf(_CATALOG),
        "Custom catalogs beside the default one: URLs, or file paths relative to the manifest.",
        (["https://example.com/catalog.ndjson"], ["archives/catalog.ndjson"]),
        default=(),
    )


@keyed
class AttestationKey:
    """The signer of the archives of an entry."""

    identity: str = required(_IDENTITY, "The workflow that signs, with its ref.", (_EXAMPLE_IDENTITY,))
    issuer: str = defaulted(
        _IDENTITY,
        "Who vouches for that identity: by default GitHub Actions.",
        ("https://gitlab.com",),
        default="https://token.actions.githubusercontent.com",
    )
    repository_id: int | None = optional(
        Number(),
        "GitHub's number of the repository, which another one of the same name does not have.",
        (162334160,),
    )


@keyed
class EntryTable:
    """One entry of ``[pythons]`` as written; a missing key is None. ``cooldown`` is in seconds."""

    version: ParsedRequest = required(
        VERSION,
        "Which version: `3`, `3.14`, `3.14.2`, `3.15.0rc1`, a range, a version with `t` for free-threaded and `d` for "
        "debug builds, another implementation (`pypy3.11`), or one of uv's keys. The newest that fits is locked.",
        ("3.14", "3.14.2", ">=3.12,<3.14", "3.14t", "pypy3.11", "cpython-3.13.5+freethreaded-linux-x86_64_v3-gnu"),
    )
    default: bool = defaulted(
        Flag(),
        "Whether `python`, `python3` and `pip` in `.pythons/bin` are those of this entry. Without a marked entry, they "
        "are those of the entry `default`, or of the only entry.",
        (True,),
        default=False,
    )
    build: str | None = optional(
        _BUILD,
        "Which build of the version: a release tag of python-build-standalone. Without it, the newest.",
        ("20260814",),
    )
    sha256: tuple[tuple[Target, Digest], ...] | None = optional(
        ByTarget(_SHA256),
        "What the archive of each target must hash to: resolving fails if the catalog disagrees. Required with `url`.",
        ({"x86_64-unknown-linux-gnu": _EXAMPLE_SHA256},),
    )
    url: tuple[tuple[Target, str], ...] | None = optional(
        ByTarget(_URL),
        "Custom archives of one exact `version`, by target; the entry is for these targets only. https, file, or "
        "http on loopback; each with its `sha256`.",
        ({"x86_64-unknown-linux-gnu": _EXAMPLE_ARCHIVE},),
    )
    attestation: AttestationKey | None = optional(
        Table("the `attestation` table", AttestationKey),
        "Who attests the archives of `url`, by SLSA provenance: a workflow, the issuer of its identity and the number "
        "of its repository.",
        ({"identity": _EXAMPLE_IDENTITY},),
    )
    targets: tuple[Target, ...] | None = optional(
        ListOf(TARGET, least=1),
        "The platforms to lock this entry for, instead of those of [settings].",
        (["linux-x86_64-musl"],),
    )
    flavor: Flavor | None = optional(
        Choice(FLAVORS),
        "The archive flavor, and no other: `full` has the static libraries, the tests and the licences.",
        ("full",),
    )
    cpu: CpuRequest | None = optional(
        Choice(CPU_REQUESTS),
        "The x86-64 level, which every target must have; `auto` locks all levels for `sync` to choose from.",
        ("v3", "auto"),
    )
    debug: bool | None = optional(Flag(), "Whether it is a debug build (`Py_DEBUG`).", (True,), schema_default=False)
    freethreaded: bool | None = optional(
        Flag(), "Whether it is a free-threaded build (`Py_GIL_DISABLED`), as of 3.13.", (True,), schema_default=False
    )
    build_options: tuple[str, ...] | None = optional(
        ListOf(Choice(OPTIONS)),
        "How it was built: of `pgo`, `lto` and `noopt` exactly those named here, or else the fastest published; "
        "`static` and `shared` are link modes. `freethreaded` and `debug` may stand here or as keys of their own.",
        (["pgo", "lto"], ["noopt"]),
    )
    prereleases: bool | None = optional(Flag(), "As in [settings], for this entry.", (True,))
    cooldown: int | None = optional(Duration(), "As in [settings], for this entry.", ("1 week", 0))
    bytecode: bool = defaulted(
        Switch("unchecked-hash"),
        "Compile the standard library after unpacking, into .pyc files that are never checked against their source.",
        ("unchecked-hash",),
        default=False,
    )
    externally_managed: bool = defaulted(
        Flag(),
        "Whether the tree says EXTERNALLY-MANAGED (PEP 668), so that installers use environments. Images may not want "
        "it.",
        (False,),
        default=True,
    )
    without: tuple[RemovablePart, ...] = defaulted(
        ListOf(Choice(REMOVABLE_PARTS)), "Parts to leave out of the tree.", (["tests", "idle", "tkinter"],), default=()
    )


@keyed
class IgnoreRule:
    """A finding that an audit ignores, and the reason."""

    code: str = required(_CODE, "The finding's code, or the id of an advisory.", ("PV001", "CVE-2026-6100"))
    reason: str = required(_REASON, "Why it does not matter here.", ("vendored build",))
    until: str | None = optional(Day(), "The last day on which it is ignored.", ("2027-03-31",))

    def __str__(self) -> str:
        """As a table, for the message about a rule that is listed twice."""
        return f"{{'code': {self.code!r}, 'reason': {self.reason!r}}}"


IGNORE_RULE = Table("a table with `code` and `reason`", IgnoreRule)


@keyed
class Policy:
    """The ``[policy]`` table: the rules for a lock file. ``cooldown`` is in seconds.

    A permission that is None was neither granted nor denied.
    """

    allow_hosts: tuple[str, ...] = defaulted(
        ListOf(_HOST),
        "Hosts that archives may come from, beside the known ones; `*.` stands for all hosts below.",
        (["archives.example.com", "*.example.org:8443"],),
        default=(),
        in_schema=False,
    )
    cooldown: int = defaulted(
        Duration(), "No locked build may be younger than this.", ("1 week", 0), default=0, in_schema=False
    )
    allow_prereleases: bool | None = optional(Flag(), "Whether a lock may hold prereleases.", (False,))
    allow_end_of_life: bool | None = optional(
        Flag(), "Whether a lock may hold versions past their end of life.", (True,)
    )
    advisories: AdvisoryPolicy = defaulted(
        Choice(ADVISORY_POLICIES),
        "What an advisory is that applies to a locked build: an error, a warning, or nothing.",
        ("warn",),
        default="error",
    )
    max_severity: AdvisorySeverity | None = optional(
        Choice(ADVISORY_SEVERITIES),
        "Advisories of this severity and below are notes; `unknown` is the lowest.",
        ("low",),
    )
    provenance: ProvenancePolicy = defaulted(
        Choice(PROVENANCE_POLICIES),
        "Whether archives must have provenance: `prefer` makes a missing one a warning, `required` an error, which "
        "`sync` refuses as well; with `vendored` the bundles must also be beside the lock file.",
        ("required",),
        default="off",
    )
    ignore: tuple[IgnoreRule, ...] = defaulted(
        ListOf(IGNORE_RULE),
        "Findings of `provision audit` to leave out, each with the reason.",
        ([{"code": "PV012", "reason": "3.8 is needed until the migration is done"}],),
        default=(),
        in_schema=False,
    )


SETTINGS = Table("the [settings] table", ManifestSettings)
ENTRY = Table("an entry of [pythons]", EntryTable)
POLICY = Table("the [policy] table", Policy)
