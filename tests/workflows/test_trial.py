"""What `lock` would make of one entry: the locked entry, the reasons, or neither if no catalog is available."""

from __future__ import annotations

from pathlib import Path

import pytest

from provision.manifest.read import parse_manifest
from provision.workflows.options import Options
from provision.workflows.trial import Trial, catalog_at_hand, try_entry

TARGETS = '[settings]\ntargets = ["linux-x86_64", "macos-aarch64"]\n'


def tried(options: Options, text: str) -> Trial:
    manifest = parse_manifest(text, Path("pythons.toml"))
    return try_entry(manifest, manifest.requests[-1], catalog_at_hand(options, manifest))


def test_an_entry_is_resolved_alone(options: Options) -> None:
    trial = tried(options, TARGETS + '[pythons]\nold = "2.7"\none = "3.13.5+20250723"\n')
    assert trial.python is not None
    assert (str(trial.python.version), trial.python.build) == ("3.13.5", "20250723")
    assert trial.errors == ()


@pytest.mark.parametrize(
    ("entry", "reasons"),
    [
        ('"2.7"', ["no CPython 2.7 is known here"]),
        ('"3.12t"', ["free-threaded builds begin with 3.13"]),
        ('{ version = "3.13", cpu = "v3" }', ["macos-aarch64"]),
    ],
)
def test_the_reasons_are_those_of_provision_lock(options: Options, entry: str, reasons: list[str]) -> None:
    trial = tried(options, TARGETS + f"[pythons]\none = {entry}\n")
    assert trial.python is None
    assert len(trial.errors) == len(reasons)
    assert all(reason in error.message for reason, error in zip(reasons, trial.errors, strict=True))


def test_a_catalog_that_must_be_downloaded_is_not_available(options: Options) -> None:
    assert tried(options, '[settings]\ncatalogs = ["https://c.example/c.ndjson"]\n[pythons]\none = "2.7"\n') == Trial()
