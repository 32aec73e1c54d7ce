"""Manifests that several tests read; random ones are in `strategies` and `documents`."""

from __future__ import annotations

from pathlib import Path

import pytest

from provision.errors import ManifestError, ProvisionError, SeveralErrors
from provision.manifest.manifest import Manifest, Request
from provision.manifest.read import parse_manifest

FILE = Path("pythons.toml")
SHA = "0123456789abcdef" * 4

# A manifest with every kind of entry, with real digests and URLs.
EXAMPLE = f"""\
#:schema https://example.com/schemas/pythons.schema.json

[settings]                       # all optional
targets = ["linux-x86_64", "linux-aarch64", "macos-aarch64", "windows-x86_64"]   # default: the host
flavor = "install_only_stripped"
cpu = "baseline"                 # baseline | v2 | v3 | v4 | auto
prereleases = false
cooldown = "3 days"              # lock no build published more recently
catalogs = ["https://example.com/catalog.ndjson"]   # beside the default one

[pythons]
default = "3.14"                                     # newest 3.14.x, newest build
free    = "3.14t"                                    # uv's short forms work: t, d, td, +freethreaded, +debug
debug   = {{ version = "3.14", debug = true }}
fast    = {{ version = ">=3.13,<3.14", cpu = "auto" }} # locks every level; sync picks what the host can run
embed   = {{ version = "3.13", flavor = "full", build-options = ["pgo", "lto"] }}
alpine  = {{ version = "3.14", targets = ["linux-x86_64-musl"] }}

[pythons.pinned]
version = "3.12.11"
build   = "20250818"
sha256  = {{ x86_64-unknown-linux-gnu = "{SHA}" }}   # the lock must agree, or resolving fails

[pythons.ours]                                       # an archive of one's own
version = "3.13.5"
url     = {{ x86_64-unknown-linux-gnu = "https://example.com/cpython-3.13.5-ours.tar.zst" }}
sha256  = {{ x86_64-unknown-linux-gnu = "{SHA}" }}   # required beside url
"""


def parse(text: str) -> Manifest:
    return parse_manifest(text, FILE)


def one(spec: str, settings: str = "") -> Request:
    """The request of an entry whose value is ``spec``."""
    return parse(f"[settings]\n{settings}\n[pythons]\nx = {spec}\n").requests[0]


def complaints(text: str) -> list[ManifestError]:
    """All errors of a text, in the order reported."""
    with pytest.raises(ProvisionError) as caught:
        parse(text)
    errors = caught.value.errors if isinstance(caught.value, SeveralErrors) else (caught.value,)
    assert all(isinstance(error, ManifestError) for error in errors)
    return [error for error in errors if isinstance(error, ManifestError)]


def error_lines(text: str) -> list[str]:
    """The same as lines, ``7:12: pythons.free.version: what is wrong``."""
    return [str(error).removeprefix(f"{FILE}:").strip() for error in complaints(text)]
