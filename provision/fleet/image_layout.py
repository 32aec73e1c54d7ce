"""An OCI image layout on disk: blobs by digest, images by name.

Source: the image layout of the OCI image specification 1.1. A blob appears under its digest once it is complete; an
image appears once all of its blobs are present. Content from a layout is compared with its digest and size.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from provision.errors import IntegrityError, ProvisionError, UsageError, check_parent, reason_of, store_failures
from provision.host.files import (
    exists,
    is_directory,
    is_file,
    is_temporary,
    make_directory,
    move_file,
    open_regular,
    read_small_file,
    remove_file,
    replace_file,
    temporary_path,
    unfinished_files,
)
from provision.model.asset import Digest
from provision.model.oci import (
    LAYOUT_BYTES,
    LAYOUT_FILE,
    MAX_MANIFEST,
    REF_NAME,
    Descriptor,
    blob_path,
    describe,
    index,
)
from provision.model.value import frozen
from provision.store.json_tables import json_object, parse_json_object, string
from provision.store.locks import edit_lock

INDEX_FILE = "index.json"
_CHUNK = 1 << 20
_BLOB = "blob"  # in the name of an unfinished file


class BlobFile:
    """A file that becomes a blob, hashed as it is written."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._digest, self._size = file, hashlib.sha256(), 0

    def write(self, data: bytes) -> int:
        self._digest.update(data)
        self._size += len(data)
        return self._file.write(data)

    def flush(self) -> None:
        """For compressors, which call it; all is flushed when the file is closed."""

    def descriptor(self, media_type: str) -> Descriptor:
        """The descriptor of the blob, once everything is written."""
        return Descriptor(media_type=media_type, digest=Digest(self._digest.hexdigest()), size=self._size)


@frozen(kw_only=False)
class ImageLayout:
    """A layout by the path of its directory. Making the value touches no disk."""

    path: Path

    def check(self) -> None:
        """Raise `UsageError` if the directory has files that are not a layout's, `StoreError` if it has no parent."""
        if not exists(self.path):
            check_parent(self.path)
        with store_failures("write an image layout", self.path, variable=""):
            # Another run may be making it a layout: its file comes before all others, and is looked for after them.
            is_foreign = exists(self.path) and (
                not is_directory(self.path) or any(map(_is_foreign, self.path.iterdir()))
            )
            if is_foreign and not is_layout(self.path):
                raise UsageError(
                    f"--output: expected a new directory or an OCI image layout, got {str(self.path)!r}",
                    hint="Choose another directory.",
                )

    def prepare(self) -> None:
        """Make the directory a layout, unless it is one, and remove what killed runs left in it."""
        self.check()
        for unfinished in unfinished_files(self._blobs, _BLOB):
            remove_file(unfinished)
        if not is_layout(self.path):
            with store_failures("write an image layout", self.path, variable=""):
                make_directory(self.path)
                replace_file(self.path / LAYOUT_FILE, LAYOUT_BYTES)

    @property
    def _blobs(self) -> Path:
        return self.path / "blobs" / "sha256"

    def blob(self, digest: Digest) -> Path:
        return self.path / blob_path(digest)

    @contextmanager
    def new_blob(self) -> Iterator[BlobFile]:
        """A new blob to write; it appears when the context ends without an error."""
        with store_failures("write an image layout", self.path, variable=""):
            make_directory(self._blobs)
            temporary = temporary_path(self._blobs / _BLOB)
            try:
                with temporary.open("xb") as file:
                    blob = BlobFile(file)
                    yield blob
                temporary.chmod(0o644)
                move_file(temporary, self.blob(blob.descriptor("").digest))
            finally:
                with suppress(OSError):
                    temporary.unlink(missing_ok=True)

    def add(self, content: bytes, media_type: str) -> Descriptor:
        """Write a document."""
        with self.new_blob() as blob:
            blob.write(content)
        return blob.descriptor(media_type)

    def copy(self, expected: Descriptor, save: Callable[[Callable[[bytes], object]], object]) -> Descriptor:
        """Write the content that ``save`` passes to its argument.

        Raises `IntegrityError` if its digest or size differs from the descriptor.
        """
        with self.new_blob() as blob:
            save(blob.write)
            _require_same(blob.descriptor(expected.media_type), expected, "what was copied")
        return expected

    def read(self, descriptor: Descriptor) -> bytes:
        """The bytes of a document; raises `IntegrityError` unless they are those of the descriptor."""
        try:
            content = read_small_file(self.blob(descriptor.digest), MAX_MANIFEST)
        except OSError as error:
            raise ProvisionError(
                f"cannot read {self.blob(descriptor.digest)}: {reason_of(error)}", hint="Make the image layout again."
            ) from error
        _require_same(describe(content, descriptor.media_type), descriptor, str(self.path))
        return content

    def pieces(self, descriptor: Descriptor) -> Iterator[bytes]:
        """The content of a blob; whoever reads it compares it with the digest. One that is too long is cut after a byte
        more than it should have."""
        path = self.blob(descriptor.digest)
        left = descriptor.size + 1
        with store_failures("read an image layout", path, variable=""), open_regular(path) as (file, _):
            while left and (chunk := os.read(file, min(_CHUNK, left))):
                left -= len(chunk)
                yield chunk

    def images(self) -> tuple[Descriptor, ...]:
        """The descriptors of ``index.json``; none if it does not exist yet."""
        path = self.path / INDEX_FILE
        if not exists(path):
            return ()
        try:
            return descriptors(parse_json_object(read_small_file(path, MAX_MANIFEST)).get("manifests"))
        except (OSError, ValueError) as error:
            raise ProvisionError(f"{path} is invalid: {reason_of(error)}", hint="Choose another directory.") from error

    def name(self, image: Descriptor, name: str) -> None:
        """Give an image a name in ``index.json``; no other image keeps that name."""
        named = Descriptor(
            media_type=image.media_type,
            digest=image.digest,
            size=image.size,
            annotations={**image.annotations, REF_NAME: name},
            platform=image.platform,
        )
        path = self.path / INDEX_FILE
        with edit_lock(path), store_failures("write an image layout", self.path, variable=""):
            kept = [each for each in self.images() if each.annotations.get(REF_NAME) != name]
            replace_file(path, index([*kept, named]))


def _is_foreign(path: Path) -> bool:
    """Whether a file in a directory that is no layout yet does not belong to a layout."""
    return not is_temporary(path, LAYOUT_FILE)


def is_layout(path: Path) -> bool:
    """Whether a directory is an image layout."""
    return is_file(path / LAYOUT_FILE)


def descriptors(given: object) -> tuple[Descriptor, ...]:
    """The descriptors of a document; raises `ValueError`."""
    if not isinstance(given, list):
        raise ValueError("expected a list of descriptors")
    return tuple(map(read_descriptor, given))


def read_descriptor(given: object) -> Descriptor:
    """One descriptor of a document; raises `ValueError`."""
    document = json_object(given)
    size = document.get("size")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise ValueError(f"expected a size, got {size!r}")
    return Descriptor(
        media_type=string(document.get("mediaType", "")),
        digest=read_digest(document.get("digest")),
        size=size,
        annotations=_strings(document.get("annotations")),
        platform=_platform(document.get("platform")),
        artifact_type=string(document.get("artifactType", "")),
    )


def read_digest(given: object) -> Digest:
    """A digest as OCI documents write it, ``sha256:<hex>``; raises `ValueError`."""
    algorithm, _, hexadecimal = string(given).partition(":")
    if algorithm != "sha256":
        raise ValueError(f"expected a sha256 digest, got {given!r}")
    return Digest.parse(hexadecimal)


def _strings(given: object) -> Mapping[str, str]:
    return {key: string(value) for key, value in json_object(given or {}).items()}


def _platform(given: object) -> Mapping[str, str]:
    document = json_object(given or {})
    return {key: value for key, value in document.items() if isinstance(value, str)}


def _require_same(found: Descriptor, expected: Descriptor, where: str) -> None:
    if (found.digest, found.size) != (expected.digest, expected.size):
        raise IntegrityError(
            f"digest mismatch in {where}: expected sha256:{expected.digest} of {expected.size} bytes, "
            f"got sha256:{found.digest} of {found.size} bytes",
            hint="Make the image layout again.",
        )
