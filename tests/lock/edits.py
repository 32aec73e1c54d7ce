"""Requests of all kinds, the entries that resolving writes for them, and edits of these."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from provision.lock.lock import LockedPython
from provision.lock.resolve import resolve
from provision.manifest.manifest import Manifest
from provision.manifest.read import parse_manifest
from provision.model.asset import CPU_LEVELS, Asset, BuildOptions, CpuLevel, Digest, Flavor
from provision.model.target import Target
from provision.model.tree import TreeOptions
from provision.model.value import replace
from provision.model.version import Version
from tests.lock.samples import HOST, asset, catalog

TWO = 'targets = ["linux-x86_64", "macos-aarch64"]'
CUSTOM_URL = "https://example.com/x/{}"
_SHA256 = "ab" * 32
NAMED = "cpython-3.14.7+20260814-x86_64_v3-unknown-linux-gnu-install_only.tar.gz"


def custom_entry(name: str, *more: str) -> str:
    """An entry with a custom archive."""
    words = (
        'version = "3.14.7"',
        f'url.linux-x86_64 = "{CUSTOM_URL.format(name)}"',
        f'sha256.linux-x86_64 = "{_SHA256}"',
        *more,
    )
    return f"{{ {', '.join(words)} }}"


# The value of an entry, and the settings.
REQUESTS = (
    ('"3.14"', TWO),
    ('"3.14"', ""),
    ('{ version = "3.14", cpu = "auto" }', TWO),
    ('{ version = "3.14", cpu = "v3", targets = ["linux-x86_64"] }', ""),
    ('"3.14"', f'{TWO}\ncpu = "v3"'),
    ('"3.14"', f'{TWO}\ncpu = "v4"'),
    ('"3.14t"', TWO),
    ('{ version = "3.15", prereleases = true }', TWO),
    ('{ version = "3.14", flavor = "full", build-options = ["pgo", "lto"], targets = ["linux-x86_64"] }', ""),
    ('{ version = "3.14", build = "20260814", without = ["idle"] }', TWO),
    (f'{{ version = "3.14", targets = ["linux-x86_64"], sha256.linux-x86_64 = "{asset().sha256}" }}', ""),
)
CUSTOM_REQUESTS = (
    (custom_entry("a+b.tar.gz"), ""),
    (custom_entry("a+b.tar.gz", 'cpu = "v3"'), ""),
    (custom_entry("a+b.tar.gz"), 'cpu = "v3"'),
    (custom_entry(NAMED), 'cpu = "auto"'),
    (custom_entry(NAMED, 'cpu = "v3"'), ""),
)
_BUILDS: tuple[tuple[str, str, Flavor], ...] = (
    ("3.14.7+20260814", "pgo+lto", "install_only_stripped"),
    ("3.14.7+20260814", "freethreaded+pgo+lto", "install_only_stripped"),
    ("3.14.7+20260814", "pgo+lto", "full"),
    ("3.15.0rc1+20260814", "pgo+lto", "install_only_stripped"),
)
_SLOTS: tuple[tuple[str, CpuLevel], ...] = (
    ("linux-x86_64", "baseline"),
    ("linux-x86_64", "v3"),
    ("macos-aarch64", "baseline"),
)
_ROWS = [
    asset(name, target, options, cpu=cpu, flavor=flavor) for name, options, flavor in _BUILDS for target, cpu in _SLOTS
]


@cache
def resolved(entry: str, settings: str) -> tuple[Manifest, LockedPython]:
    """A manifest with one entry, and what resolving writes for it."""
    manifest = parse_manifest(f"[settings]\n{settings}\n[pythons]\na = {entry}\n", Path("pythons.toml"))
    return manifest, resolve(manifest, catalog(*_ROWS), None, host=HOST).lock.pythons[0]


def with_rows(python: LockedPython, rows: Iterable[Asset]) -> LockedPython:
    """The entry with other rows, the last for each target and level; all are of one version, build and flavor."""
    unique = {(row.target, row.cpu): row for row in rows}
    return LockedPython.of(python.name, python.request, unique.values(), python.tree)


@st.composite
def edited(draw: st.DrawFn, python: LockedPython) -> LockedPython:
    """The entry after up to three edits, each of one thing."""
    for _ in range(draw(st.integers(0, 3))):
        python = draw(st.one_of(_of_entry(python), _of_row(python)))
    return python


@st.composite
def _of_entry(draw: st.DrawFn, python: LockedPython) -> LockedPython:
    versions = [{"version": Version.parse(text)} for text in ("3.14.6", "3.13.1", "3.14.0rc1", "3.15.0rc2")]
    others = [{"implementation": "pypy"}, {"build": "20250101"}, {"flavor": "full"}, {"flavor": "install_only"}]
    changes: dict[str, Any] = draw(st.sampled_from([*versions, *others]))
    return draw(
        st.sampled_from(
            [
                with_rows(python, [replace(row, **changes) for row in python.assets]),
                replace(python, tree=TreeOptions(bytecode=True)),
                replace(python, tree=TreeOptions(without=("idle",))),
                replace(python, request=Digest("0" * 64)),
                replace(python, name="b"),
            ]
        )
    )


@st.composite
def _of_row(draw: st.DrawFn, python: LockedPython) -> LockedPython:
    row = draw(st.sampled_from(python.assets))
    others = [each for each in python.assets if each is not row]
    target = Target.parse(draw(st.sampled_from(["linux-x86_64", "macos-aarch64", "linux-aarch64"])))
    level = draw(st.sampled_from(CPU_LEVELS)) if target.arch == "x86_64" else "baseline"
    # A catalog has one row per URL; custom archives keep theirs, which must be the requested one.
    url = row.url if row.url.startswith(CUSTOM_URL[:-2]) else f"https://example.com/{target}/{level}/{row.filename}"
    moved = replace(row, target=target, cpu=level, url=url)
    plain = row.url.replace("%2B", "+")
    options = draw(st.sampled_from(["", "pgo", "pgo+lto", "freethreaded+pgo+lto", "lto+static", "pgo+shared"]))
    edits = [
        [moved],
        [row, moved],
        [replace(row, options=BuildOptions.parse(options))],
        [replace(row, url=plain.replace("example.com", "example.org"))],
        [replace(row, url=draw(st.sampled_from([plain, plain.replace("+", "%2B"), plain.replace("+", "%2b")])))],
        [replace(row, sha256=Digest("0" * 64))],
    ]
    return with_rows(python, [*others, *draw(st.sampled_from([*edits, []] if others else edits))])
