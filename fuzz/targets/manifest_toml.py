"""Any `pythons.toml`: a manifest with valid names, digests and locations, or a `ManifestError` that can be shown."""

from __future__ import annotations

from pathlib import Path

from hypothesis import strategies as st

from fuzz.laws import showable, soon
from fuzz.mutations import mutated
from fuzz.target import Target
from fuzz.texts import documents, encoded
from provision.errors import ManifestError, SeveralErrors
from provision.manifest.manifest import request_digest
from provision.manifest.positions import Positions
from provision.manifest.read import parse_manifest
from provision.store.layout import is_key
from provision.workflows.list import request_text
from tests.manifest.samples import EXAMPLE

_PATH = Path("pythons.toml")
_LINES = [
    "[settings]", "[pythons]", "[policy]", "[pythons.free]", "[[pythons]]", "[pythons.free.sha256]", "[a.b.c]",
    'targets = ["linux-x86_64", "windows-x86_64"]', 'targets = ["x"]', 'flavor = "full"', 'cpu = "auto"', 'cpu = "v3"',
    "prereleases = true", 'cooldown = "3 days"', "cooldown = 0", 'catalogs = ["https://example.com/c.ndjson"]',
    'catalogs = ["../c.ndjson", "file:///c", "http://evil.example/c"]', 'default = "3.14"', 'free = "3.14t"',
    'debug = { version = "3.14", debug = true }', 'version = ">=3.13,<3.14"', 'version = "cpython-3.13.5-linux"',
    'build = "20250818"', 'build-options = ["pgo", "lto"]', 'without = ["tests", "idle"]',
    'bytecode = "unchecked-hash"',
    'externally-managed = false', 'sha256 = { x86_64-unknown-linux-gnu = "00" }',
    'url = { linux-x86_64 = "https://x/y" }',
    "x = 1e999", "x = 0x" + "f" * 5000, "x = " + "[" * 200 + "]" * 200, 'x = """', "x = '''", "a.b.c.d.e = 1",
    '"\\u0000" = "3.14"', '"../x" = "3.14"', '"\\u001b[2J" = "3.14"', "x = 1979-05-27T07:32:00Z", "= 1",
    "x =", "#", "[",
    '-x = "3.14"', 'con = "3.14"', 'allow-hosts = ["*.example.com"]', 'x = { y = { z = 1 } }', '"" = ""',
]  # fmt: skip


def check(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    with soon():
        Positions(text)
        try:
            manifest = parse_manifest(text, _PATH)
        except (ManifestError, SeveralErrors) as error:
            showable(error, ManifestError.exit_code)
            return
        for request in manifest.requests:
            assert is_key(request.name)
            assert len(request_digest(request).hex) == 64
            assert request_text(request).isprintable()


TARGET = Target(inputs=mutated(st.just(encoded(EXAMPLE))) | documents(_LINES), check=check)
