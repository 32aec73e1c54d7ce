"""Any `.pythons/.stamp`: the one that was written in this boot counts, and all others are ignored."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from hypothesis import strategies as st

from fuzz.laws import soon
from fuzz.mutations import mutated
from fuzz.target import Target
from fuzz.texts import documents
from provision.model.tree import TreeOptions, store_key
from provision.plan import Selected
from provision.store.layout import Store, executable
from provision.store.links import link_commands, link_interpreter
from provision.store.receipts import Receipt, write_receipt
from provision.store.stamp import read_stamp, write_stamp
from tests.catalog.samples import stripped, upstream

_ASSET = upstream(stripped("3.14.2", "20260127"))
_MANIFEST, _LOCK = b"[pythons]\n", b"lock\n"
# Where the drawn one is put; it stands for the directory that the stamp was written in.
_HERE = "@here@"
_LINES = [
    "provision-stamp 3 1\n", "boot x y\n", "environment 0\n", "lock 0\n", "manifest 0 /x\n", "end\n", "link\tone\t/x\n",
    "python\tone\t/bin/sh\n", "stat\t0 0 0 0\t/bin/sh\n", "stat\t1\n", "link\t../../../x\t\x00\n", "\t\t\n", "python\n",
]  # fmt: skip


def _made(root: Path) -> tuple[Path, dict[str, str]]:
    """A project that a sync has stamped, and the environment it did so in."""
    store, project = Store(root / "home"), root / "project"
    project.mkdir()
    selected = Selected(name="one", asset=_ASSET)
    program = executable(store.tree(selected.key), _ASSET)
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    write_receipt(store, Receipt.of(_ASSET, TreeOptions(), {}, probed="ok"))
    link_interpreter(project, "one", selected.key, store)
    link_commands(project, [selected], store)
    manifest = project / "pythons.toml"
    manifest.write_bytes(_MANIFEST)
    manifest.with_suffix(".lock").write_bytes(_LOCK)
    environ = {"PROVISION_HOME": str(store.home)}
    assert store_key(_ASSET, TreeOptions()) == selected.key
    assert write_stamp(
        manifest, manifest_bytes=_MANIFEST, lock_bytes=_LOCK, environ=environ, store=store, pythons=[selected]
    )
    return project, environ


def _sample() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        project, _ = _made(Path(folder))
        return (project / ".pythons" / ".stamp").read_bytes().replace(os.fsencode(folder), _HERE.encode())


_SAMPLE = _sample()


def check(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder, soon():
        project, environ = _made(Path(folder))
        stamp = project / ".pythons" / ".stamp"
        written = stamp.read_bytes()
        expected = read_stamp(environ, str(project))
        assert expected is not None
        stamp.write_bytes(data.replace(_HERE.encode(), os.fsencode(folder)))
        told = read_stamp(environ, str(project))
        assert told is None or all(line in stamp.read_bytes() for line in written.splitlines()[:5])
        stamp.chmod(0o666)
        assert read_stamp(environ, str(project)) is None, "a stamp that others may write is believed"


TARGET = Target(inputs=mutated(st.just(_SAMPLE)) | documents(_LINES, between=""), check=check)
