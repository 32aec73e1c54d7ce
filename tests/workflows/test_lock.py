"""When a lock depends on this machine."""

from __future__ import annotations

from pathlib import Path

from provision.host.detect import detect_host
from provision.manifest.read import parse_manifest
from provision.workflows.lock import host_target


def test_the_host_matters_only_if_an_entry_declares_no_targets() -> None:
    declared = '[settings]\ntargets = ["macos-aarch64"]\n[pythons]\none = "3.14"\n'
    some = '[pythons]\none = "3.14"\ntwo = { version = "3.14", targets = ["macos-aarch64"] }\n'
    assert host_target(parse_manifest(declared, Path("pythons.toml"))) is None
    assert host_target(parse_manifest(some, Path("pythons.toml"))) == detect_host().target
