"""Owns the one table of all keys of a manifest: reading, suggestions and the JSON schema all come from it."""

from __future__ import annotations

from typing import get_args

from provision.manifest.kinds import TARGET, ByTarget, Choice, Duration, Field, Flag, Many, Record, Switch, Text
from provision.manifest.request import PATTERN as REQUEST_PATTERN
from provision.manifest.request import parse_request
from provision.model.build import CPU_REQUESTS, FLAVORS, OPTIONS
from provision.model.digest import Digest
from provision.model.tree import Slim
from provision.url import (
    CATALOG_PATTERN,
    HOST_PATTERN,
    LONGEST_URL,
    URL_PATTERN,
    parse_catalog,
    parse_host,
    parse_url,
)


def parse_build(text: str) -> str:
    """Return a build's name as it is: PBS's release tag, or the own version of another implementation."""
    if not (
        text[:1].isalnum() and text.isascii() and text.replace(".", "").replace("-", "").replace("_", "").isalnum()
    ):
        raise ValueError(f"{text!r} is not a build such as '20260814'")
    return text


def parse_code(text: str) -> str:
    """Return an audit finding's code as it is."""
    if not (len(text) == 5 and text.startswith("PV") and text[2:].isascii() and text[2:].isdigit()):
        raise ValueError(f"{text!r} is not a finding's code such as 'PV001'")
    return text


def parse_reason(text: str) -> str:
    """Return a reason as it is; an empty one is none."""
    if not text.strip():
        raise ValueError("a reason must say something")
    return text


VERSION = Text(parse_request, such_as="3.14", pattern=REQUEST_PATTERN)
_BUILD = Text(parse_build, such_as="20260814", pattern="^[A-Za-z0-9][A-Za-z0-9._-]*$", longest=64)
_SHA256 = Text(Digest.parse, such_as="9f86d081…", pattern="^(sha256:)?[0-9a-fA-F]{64}$")
_URL = Text(parse_url, such_as="https://…", pattern=URL_PATTERN, longest=LONGEST_URL)
_CATALOG = Text(parse_catalog, such_as="catalog.ndjson", pattern=CATALOG_PATTERN, longest=LONGEST_URL)
_HOST = Text(parse_host, such_as="example.com", pattern=HOST_PATTERN)
_CODE = Text(parse_code, such_as="PV001", pattern="^PV[0-9]{3}$")
_REASON = Text(parse_reason, such_as="…", pattern=r"\S", longest=1000)

_EXAMPLE_SHA256 = "0b7e1c4b7f4a1f0f3b8a6f4d3a2e1c5d7b9f8e6a4c2d0b1f3e5a7c9d8b6f4e2a"
_EXAMPLE_ARCHIVE = (
    "https://example.com/20260814/cpython-3.13.5%2B20260814-x86_64-unknown-linux-gnu-install_only_stripped.tar.gz"
)
_DEFAULT_FLAVOR = FLAVORS[0]

_TARGETS_EXAMPLE = ["linux-x86_64", "linux-aarch64", "macos-aarch64", "windows-x86_64"]

SETTINGS = Record(
    "the [settings] table",
    Field(
        "targets",
        Many(TARGET, least=1),
        "The platforms to lock, as target triples or in short, `linux-x86_64`. Without it, the host's alone.",
        (_TARGETS_EXAMPLE,),
    ),
    Field(
        "flavor",
        Choice(FLAVORS),
        "The archive flavor to prefer. Builds that are published in other flavors only (debug ones as `full`) are "
        "taken in those; an entry's own `flavor` is binding instead.",
        ("install_only",),
        default=_DEFAULT_FLAVOR,
    ),
    Field(
        "cpu",
        Choice(CPU_REQUESTS),
        "The x86-64 level to prefer where a build for it exists. `auto` locks every level, and `sync` takes the best "
        "one that the machine can run.",
        ("baseline", "auto"),
        default="baseline",
    ),
    Field(
        "prereleases",
        Flag(),
        "Whether alphas, betas and release candidates may be chosen. A version request that names one always may.",
        (True,),
        default=False,
    ),
    Field(
        "cooldown",
        Duration(),
        "Lock no build published more recently than this: a whole number of minutes, hours, days or weeks, or 0.",
        ("3 days", "24 hours", "1 week", 0),
        default=0,
    ),
    Field(
        "catalogs",
        Many(_CATALOG),
        "Catalogs of one's own beside the default one: URLs, or file paths relative to the manifest.",
        (["https://example.com/catalog.ndjson"], ["archives/catalog.ndjson"]),
        default=[],
    ),
)

ENTRY = Record(
    "an entry of [pythons]",
    Field(
        "version",
        VERSION,
        "Which version: `3`, `3.14`, `3.14.2`, `3.15.0rc1`, a range, a version with `t` for free-threaded and `d` for "
        "debug builds, another implementation (`pypy3.11`), or one of uv's keys. The newest that fits is locked.",
        ("3.14", "3.14.2", ">=3.12,<3.14", "3.14t", "pypy3.11", "cpython-3.13.5+freethreaded-linux-x86_64_v3-gnu"),
        required=True,
    ),
    Field(
        "build",
        _BUILD,
        "Which build of the version: a release tag of python-build-standalone. Without it, the newest.",
        ("20260814",),
    ),
    Field(
        "sha256",
        ByTarget(_SHA256),
        "What the archive of each target must hash to: resolving fails if the catalog disagrees. Required with `url`.",
        ({"x86_64-unknown-linux-gnu": _EXAMPLE_SHA256},),
    ),
    Field(
        "url",
        ByTarget(_URL),
        "Archives of one's own, of one exact `version`, by target: they are all that the entry is for. https, file, or "
        "http on loopback; each with its `sha256`.",
        ({"x86_64-unknown-linux-gnu": _EXAMPLE_ARCHIVE},),
    ),
    Field(
        "targets",
        Many(TARGET, least=1),
        "The platforms to lock this entry for, instead of those of [settings].",
        (["linux-x86_64-musl"],),
    ),
    Field(
        "flavor",
        Choice(FLAVORS),
        "The archive flavor, and no other: `full` has the static libraries, the tests and the licences.",
        ("full",),
    ),
    Field(
        "cpu",
        Choice(CPU_REQUESTS),
        "The x86-64 level, which every target must have; `auto` locks all levels for `sync` to choose from.",
        ("v3", "auto"),
    ),
    Field("debug", Flag(), "Whether it is a debug build (`Py_DEBUG`).", (True,), default=False),
    Field(
        "freethreaded",
        Flag(),
        "Whether it is a free-threaded build (`Py_GIL_DISABLED`), as of 3.13.",
        (True,),
        default=False,
    ),
    Field(
        "build-options",
        Many(Choice(OPTIONS)),
        "How it was built: of `pgo`, `lto` and `noopt` exactly those named here, or else the fastest published; "
        "`static` and `shared` are link modes. `freethreaded` and `debug` may stand here or as keys of their own.",
        (["pgo", "lto"], ["noopt"]),
    ),
    Field("prereleases", Flag(), "As in [settings], for this entry.", (True,)),
    Field("cooldown", Duration(), "As in [settings], for this entry.", ("1 week", 0)),
    Field(
        "bytecode",
        Switch("unchecked-hash"),
        "Compile the standard library after unpacking, into .pyc files that are never checked against their source.",
        ("unchecked-hash",),
        default=False,
    ),
    Field(
        "externally-managed",
        Flag(),
        "Whether the tree says EXTERNALLY-MANAGED (PEP 668), so that installers use environments. Images may not want "
        "it.",
        (False,),
        default=True,
    ),
    Field(
        "without",
        Many(Choice(get_args(Slim))),
        "Parts to leave out of the tree.",
        (["tests", "idle", "tkinter"],),
        default=[],
    ),
)

POLICY = Record(
    "the [policy] table",
    Field(
        "allow-hosts",
        Many(_HOST),
        "Hosts that archives may come from, beside the known ones; `*.` stands for all hosts below.",
        (["archives.example.com", "*.example.org:8443"],),
    ),
    Field("cooldown", Duration(), "No locked build may be younger than this.", ("1 week", 0)),
    Field("allow-prereleases", Flag(), "Whether a lock may hold prereleases.", (False,)),
    Field("allow-end-of-life", Flag(), "Whether a lock may hold versions past their end of life.", (True,)),
    Field(
        "ignore",
        Many(
            Record(
                "a table with `code` and `reason`",
                Field("code", _CODE, "The finding's code.", ("PV001",), required=True),
                Field("reason", _REASON, "Why it does not matter here.", ("vendored build",), required=True),
            )
        ),
        "Findings of `provision audit` to leave out, each with the reason.",
        ([{"code": "PV012", "reason": "3.8 is needed until the migration is done"}],),
    ),
)
