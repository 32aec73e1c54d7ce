"""An asset for tests, with every field that it can have but its size."""

from __future__ import annotations

from provision.model.asset import Asset, BuildOptions, Digest
from provision.model.target import Target
from provision.model.version import Version

LINUX = Target.parse("linux-x86_64")


def asset(**changes: object) -> Asset:
    """A free-threaded build for x86-64-v3, with some fields changed."""
    facts: dict[str, object] = {
        "implementation": "cpython",
        "version": Version.parse("3.14.7"),
        "build": "20260814",
        "target": LINUX,
        "cpu": "v3",
        "options": BuildOptions.parse("freethreaded+pgo+lto"),
        "flavor": "install_only_stripped",
        "url": "https://example.com/20260814/cpython-3.14.7%2B20260814-x.tar.gz?token=1",
        "sha256": Digest("ab" * 32),
    }
    return Asset(**{**facts, **changes})  # type: ignore[arg-type]
