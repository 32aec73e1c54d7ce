"""Any file in place of a bundle: refused in one sentence, or every byte of it is as the lock file requires."""

from __future__ import annotations

import atexit
import tempfile
from functools import cache
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from tarfile import USTAR_FORMAT, TarFile, TarInfo

from hypothesis import strategies as st

from fuzz.laws import showable, soon
from fuzz.mutations import mutated
from fuzz.target import Target
from provision.errors import IntegrityError
from provision.fleet.bundle import INDEX_FILE, LOCK_FILE, MANIFEST_FILE, PROJECT, BundleContents
from provision.lock.lock import Lock, LockedPython
from provision.lock.write import format_lock
from provision.model import oci
from provision.model.asset import Digest
from provision.model.tree import TreeOptions
from provision.workflows.bundle import verify_bundle
from tests.fetch.samples import PATH, asset

_ARCHIVE = b"an archive"


@cache
def _path() -> Path:
    folder = tempfile.TemporaryDirectory()
    atexit.register(folder.cleanup)
    return Path(folder.name) / "drawn.tar"


@cache
def _sound() -> dict[str, bytes]:
    """The files of a bundle with one archive, by their names."""
    row = asset(f"https://example.com/{PATH}", _ARCHIVE)
    python = LockedPython.of("one", Digest("0" * 64), [row], TreeOptions())
    files = {MANIFEST_FILE: b'[pythons]\none = "3.13.5"\n', LOCK_FILE: format_lock(Lock(pythons=(python,))).encode()}
    contents = BundleContents.of([row], {row.sha256: len(_ARCHIVE)}, files)
    named = {path: _ARCHIVE for archive in contents.archives for path in (archive.blob, *archive.paths)}
    return {**contents.documents(), **files, **named}


def _tar(files: dict[str, bytes]) -> bytes:
    out = BytesIO()
    with TarFile.open(fileobj=out, mode="w", format=USTAR_FORMAT) as tar:
        for name, content in files.items():
            member = TarInfo(name)
            member.size = len(content)
            tar.addfile(member, BytesIO(content))
    return out.getvalue()


def _with(name: str, content: bytes) -> bytes:
    return _tar({**_sound(), name: content})


def _with_project(manifest: bytes) -> bytes:
    """Another manifest of the project, under its digest, which the index names."""
    digest = sha256(manifest).hexdigest()
    row = oci.Descriptor(
        media_type=oci.MANIFEST,
        digest=Digest(digest),
        size=len(manifest),
        annotations={oci.REF_NAME: "project"},
        artifact_type=PROJECT,
    )
    return _tar({**_sound(), INDEX_FILE: oci.index([row]), f"{oci.BLOBS}/{digest}": manifest})


def _project() -> bytes:
    return next(content for content in _sound().values() if PROJECT.encode() in content and b"layers" in content)


def check(data: bytes) -> None:
    _path().write_bytes(data)
    with soon():
        try:
            facts = verify_bundle(_path())
        except IntegrityError as error:
            showable(error)
            return
    assert [archive.digest.hex for archive in facts.archives] in ([], [sha256(_ARCHIVE).hexdigest()])


TARGET = Target(
    inputs=st.deferred(
        lambda: (
            mutated(st.just(_tar(_sound())))
            | st.builds(_with, st.sampled_from([*_sound(), "since.json"]), mutated(st.just(_sound()[INDEX_FILE])))
            | st.builds(_with, st.just(INDEX_FILE), mutated(st.just(_sound()[INDEX_FILE])))
            | st.builds(_with_project, mutated(st.just(_project())))
        )
    ),
    check=check,
)
