"""Small archives in PBS's layout whose interpreter is a shell script."""

from __future__ import annotations

import gzip
from hashlib import sha256
from pathlib import Path

from provision.model.asset import Asset, Digest
from provision.model.target import Target
from provision.model.tree import TreeOptions
from provision.model.version import Version
from provision.plan import Selected
from tests.unpack.archives import file, tar

_BUILD = "20261101"


def write_build(directory: Path, version: str = "3.13.5", *, interpreter: str = "bin/python3") -> Asset:
    """Write an archive to a directory; the asset has its ``file://`` URL."""
    content = gzip.compress(
        tar(
            file(f"python/{interpreter}".encode(), b"#!/bin/sh\nexit 7\n", mode=0o755),
            file(b"python/lib/python3.13/os.py", f"# {version}\n".encode()),
        ),
        mtime=0,
    )
    path = directory / f"cpython-{version}+{_BUILD}-x86_64-unknown-linux-gnu-install_only.tar.gz"
    path.write_bytes(content)
    return Asset(
        implementation="cpython",
        version=Version.parse(version),
        build=_BUILD,
        target=Target.parse("linux-x86_64"),
        flavor="install_only",
        url=path.as_uri(),
        sha256=Digest(sha256(content).hexdigest()),
        size=len(content),
    )


def selected(asset: Asset, *, bytecode: bool = False) -> Selected:
    """The asset, selected for an entry."""
    return Selected(name="default", asset=asset, tree=TreeOptions(bytecode=bytecode))
