"""`Bundle`: a bundle that was opened, with exactly the files that it must have.

The bundle's own description is not trusted: its index must be identical to the one that follows from its lock file and
the sizes of its archives. So `bundle` alone defines what a bundle is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

from provision.errors import IntegrityError, ProvisionError, reason_of
from provision.fleet.bundle import (
    COMPONENTS_FILE,
    INDEX_FILE,
    LOCK_FILE,
    MANIFEST_FILE,
    PROJECT_TAG,
    SINCE_FILE,
    BundleContents,
    BundledArchive,
    attestation_name,
)
from provision.fleet.bundle_files import BundleFiles, not_a_bundle, open_files
from provision.lock.lock import Lock
from provision.lock.read import MAX_LOCK_SIZE, parse_lock
from provision.manifest.toml import MAX_TOML_SIZE
from provision.model import oci
from provision.model.asset import Digest
from provision.model.sha256 import sha256_hex
from provision.model.value import frozen
from provision.text import plural
from provision.unpack.limits import shown_name

T = TypeVar("T")

# In bytes, of each small file; an index of a thousand archives has 300 kB.
_LARGEST_DOCUMENT = MAX_LOCK_SIZE


@frozen
class Since:
    """What a bundle leaves out: archives in the bundle whose index has the digest ``index``."""

    index: Digest
    left_out: tuple[Digest, ...]

    def content(self) -> bytes:
        """The bytes of ``since.json``."""
        archives = [digest.hex for digest in self.left_out]
        return oci.encode({"version": 1, "index": self.index.hex, "left-out": archives})


class Bundle:
    """An open bundle, whose files are verified; only archives are not hashed yet."""

    def __init__(self, files: BundleFiles, contents: BundleContents, lock: Lock, since: Since | None) -> None:
        self._files, self.contents, self.lock, self.since = files, contents, lock, since
        self._archives = {archive.digest: archive for archive in contents.archives}

    @property
    def path(self) -> Path:
        return self._files.path

    @property
    def left_out(self) -> frozenset[Digest]:
        """The archives that an earlier bundle has instead; this one may have them too, if both are in one directory."""
        absent = self.since.left_out if self.since else ()
        return frozenset(digest for digest in absent if oci.blob_path(digest) not in self._files.sizes)

    @property
    def manifest(self) -> str:
        """The text of `pythons.toml`; raises `IntegrityError` if it is too large or not UTF-8."""
        content = self.contents.files[MANIFEST_FILE]
        if len(content) > MAX_TOML_SIZE:
            raise not_a_bundle(self.path, f"{MANIFEST_FILE} has {len(content)} bytes; the limit is {MAX_TOML_SIZE}")
        try:
            return content.decode()
        except UnicodeDecodeError as error:
            raise not_a_bundle(self.path, f"{MANIFEST_FILE} is not UTF-8") from error

    def archive(self, digest: Digest) -> BundledArchive | None:
        """An archive of the index, whether or not it is left out."""
        return self._archives.get(digest)

    def has(self, digest: Digest) -> bool:
        return digest in self._archives and digest not in self.left_out

    def pieces(self, digest: Digest) -> Iterator[bytes]:
        """The content of an archive; raises `IntegrityError` at its end if the digest differs."""
        yield from self._hashed(oci.blob_path(digest), digest)

    def verify(self) -> None:
        """Hash all archives and their other names; raise `IntegrityError` for the first that differs."""
        for archive in self.contents.archives:
            if not self.has(archive.digest):
                continue
            for path in (archive.blob, *archive.paths):
                self._verify_file(path, archive.digest, archive.blob)
        for name, digest in self.contents.named_files().items():
            self._verify_file(name, digest, oci.blob_path(digest))

    def _verify_file(self, path: str, digest: Digest, blob: str) -> None:
        if path == blob or not self._files.same_bytes(path, blob):
            for _ in self._hashed(path, digest):
                pass

    def _hashed(self, path: str, digest: Digest) -> Iterator[bytes]:
        found = sha256()
        for piece in self._files.pieces(path):
            found.update(piece)
            yield piece
        if found.hexdigest() != digest.hex:
            raise _mismatch(self.path, path, digest.hex, found.hexdigest())


@contextmanager
def open_bundle(path: Path) -> Iterator[Bundle]:
    """Open a bundle, a directory or a tar file.

    Raises `UsageError` if there is none, and `IntegrityError` unless it has exactly the files that its lock file and
    its index require, except archives that it leaves out by name.
    """
    with open_files(path) as files:
        try:
            bundle = _read(files)
        except OSError as error:
            reason = reason_of(error)
            raise not_a_bundle(path, f"cannot read {error.filename or path}: {reason}") from error
        yield bundle


def _read(files: BundleFiles) -> Bundle:
    index = _json(files, INDEX_FILE)
    project, archives = _index(files, index)
    named = {name: _document(files, oci.blob_path(digest)) for name, digest in _project_files(files, project).items()}
    for name in (LOCK_FILE, MANIFEST_FILE):
        if name not in named:
            raise not_a_bundle(files.path, f"it has no {name}")
    lock = _lock(files, named[LOCK_FILE])
    assets = [asset for python in lock.pythons for asset in python.assets]
    unknown = sorted(archives.keys() - {asset.sha256 for asset in assets})
    if unknown:
        raise not_a_bundle(files.path, f"its lock file does not have the archive {unknown[0]}")
    for asset in assets:
        if asset.size not in (None, archives.get(asset.sha256, asset.size)):
            reason = f"{asset.filename} has {archives[asset.sha256]} bytes; its lock file says {asset.size}"
            raise not_a_bundle(files.path, reason)
    contents = BundleContents.of([asset for asset in assets if asset.sha256 in archives], archives, named)
    since = _since(files, contents)
    documents = contents.documents()
    _check_documents(files, documents)
    _check_names(files, contents, documents, since)
    return Bundle(files, contents, lock, since)


def _index(files: BundleFiles, index: object) -> tuple[Digest, dict[Digest, int]]:
    """The digest of the project's manifest, and the sizes of all archives by digest."""
    archives: dict[Digest, int] = {}
    project: Digest | None = None
    for row in _rows(files, INDEX_FILE, index, "manifests"):
        tag = _member(files, INDEX_FILE, _member(files, INDEX_FILE, row, "annotations", dict), oci.REF_NAME, str)
        manifest = _digest(files, INDEX_FILE, row)
        if tag == PROJECT_TAG:
            project = manifest
            continue
        name = oci.blob_path(manifest)
        (layer, *others) = _rows(files, name, _json(files, name), "layers") or [{}]
        digest = _digest(files, name, layer)
        if others or tag != oci.archive_tag(digest) or digest in archives:
            raise not_a_bundle(files.path, f"{INDEX_FILE} has {shown_name(tag)}, which is no archive or there twice")
        archives[digest] = _member(files, name, layer, "size", int)
    if project is None:
        raise not_a_bundle(files.path, f"{INDEX_FILE} does not name the project")
    return project, archives


def _project_files(files: BundleFiles, manifest: Digest) -> dict[str, Digest]:
    """The digests of the project's files by name."""
    found: dict[str, Digest] = {}
    name = oci.blob_path(manifest)
    for layer in _rows(files, name, _json(files, name), "layers"):
        title = _member(files, name, _member(files, name, layer, "annotations", dict), oci.TITLE, str)
        digest = _digest(files, name, layer)
        if title not in (MANIFEST_FILE, LOCK_FILE, COMPONENTS_FILE, attestation_name(digest)):
            raise not_a_bundle(files.path, f"{shown_name(title)} is no file of a project")
        found[title] = digest
    return found


def _lock(files: BundleFiles, content: bytes) -> Lock:
    try:
        return parse_lock(content.decode(), LOCK_FILE).lock
    except UnicodeDecodeError as error:
        raise not_a_bundle(files.path, f"{LOCK_FILE} is not UTF-8") from error
    except ProvisionError as error:
        raise not_a_bundle(files.path, str(error).replace("\n", "; ")) from error


def _since(files: BundleFiles, contents: BundleContents) -> Since | None:
    if SINCE_FILE not in files.sizes:
        return None
    document = _json(files, SINCE_FILE)
    left_out = _member(files, SINCE_FILE, document, "left-out", list)
    try:
        since = Since(
            index=Digest.parse(_member(files, SINCE_FILE, document, "index", str)),
            left_out=tuple(Digest.parse(str(each)) for each in left_out),
        )
    except ValueError as error:
        raise not_a_bundle(files.path, f"{SINCE_FILE}: {error}") from error
    known = {archive.digest for archive in contents.archives}
    if since.content() != _document(files, SINCE_FILE) or not known.issuperset(since.left_out):
        raise not_a_bundle(files.path, f"{SINCE_FILE} is not as provision writes it")
    return since


def _check_documents(files: BundleFiles, documents: Mapping[str, bytes]) -> None:
    """Check that every small file, including the index, has the bytes that follow from the lock file."""
    for path, content in documents.items():
        if path not in files.sizes:
            raise not_a_bundle(files.path, f"{path} is missing")
        if files.sizes[path] != len(content) or _document(files, path) != content:
            raise not_a_bundle(files.path, f"{path} is not as provision writes it")


def _check_names(
    files: BundleFiles, contents: BundleContents, documents: Mapping[str, bytes], since: Since | None
) -> None:
    """Check that all other files are present, with the right sizes, and no more than these."""
    expected = {path: len(content) for path, content in {**documents, **contents.files}.items()}
    left_out = {digest for digest in since.left_out if oci.blob_path(digest) not in files.sizes} if since else set()
    for archive in contents.archives:
        if archive.digest not in left_out:
            expected |= dict.fromkeys((archive.blob, *archive.paths), archive.size)
    missing = sorted(expected.keys() - files.sizes.keys())
    if missing:
        raise not_a_bundle(files.path, f"{missing[0]} is missing{_and_more(missing)}")
    extra = sorted(files.sizes.keys() - expected.keys() - {SINCE_FILE})
    if extra:
        raise not_a_bundle(files.path, f"unexpected file {shown_name(extra[0])}{_and_more(extra)}")
    for path, size in expected.items():
        if files.sizes[path] != size:
            raise not_a_bundle(files.path, f"{path} has {files.sizes[path]} bytes; expected {size}")


def _mismatch(bundle: Path, path: str, expected: str, found: str) -> IntegrityError:
    return not_a_bundle(bundle, f"sha256 mismatch of {path}: expected {expected}, got {found}")


def _and_more(paths: list[str]) -> str:
    return f" (and {plural(len(paths) - 1, 'more file')})" if len(paths) > 1 else ""


def _document(files: BundleFiles, path: str) -> bytes:
    """The content of a small file; a file that is named by a digest must have that digest."""
    if path not in files.sizes:
        raise not_a_bundle(files.path, f"{path} is missing")
    if files.sizes[path] > _LARGEST_DOCUMENT:
        raise not_a_bundle(files.path, f"{path} has {files.sizes[path]} bytes; the limit is {_LARGEST_DOCUMENT}")
    content = b"".join(files.pieces(path))
    folder, _, name = path.rpartition("/")
    if folder == oci.BLOBS and sha256_hex(content) != name:
        raise _mismatch(files.path, path, name, sha256_hex(content))
    return content


def _json(files: BundleFiles, path: str) -> object:
    try:
        return json.loads(_document(files, path))
    except (ValueError, RecursionError) as error:
        raise not_a_bundle(files.path, f"{path} is not JSON") from error


def _rows(files: BundleFiles, path: str, document: object, key: str) -> list[object]:
    return _member(files, path, document, key, list)


def _digest(files: BundleFiles, path: str, descriptor: object) -> Digest:
    try:
        return Digest.parse(_member(files, path, descriptor, "digest", str))
    except ValueError as error:
        raise not_a_bundle(files.path, f"{path}: {error}") from error


def _member(files: BundleFiles, path: str, document: object, key: str, kind: type[T]) -> T:
    value = document.get(key) if isinstance(document, Mapping) else None
    if not isinstance(value, kind) or isinstance(value, bool):
        raise not_a_bundle(files.path, f"{path}: {key} is missing, or not as provision writes it")
    return value
