"""Layers of an image: a tree, an unchanged archive, links to their commands.

A layer of a tree is stored uncompressed unless compression is requested, because releases of one compressor write
different bytes. Nothing in it depends on the machine: owners are root, times those of every tree, modes those of the
receipt.
"""

from __future__ import annotations

import hashlib
import os
import posixpath
import tarfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Literal, cast, get_args

from provision.errors import CACHE_VARIABLE, IntegrityError, ProvisionError, store_failures
from provision.fleet.image_layout import BlobFile, ImageLayout
from provision.host.files import open_regular
from provision.host.zstd import zstd_writer
from provision.model.asset import Asset, Digest
from provision.model.oci import LAYER, OCTETS, Descriptor, layer_type
from provision.model.tree import DIRECTORY_MODE, FILE_MODE, LINK_MODE, TreeEntry
from provision.model.value import frozen, replace
from provision.store.layout import Store
from provision.store.receipts import Receipt, entries_bytes, receipt_bytes
from provision.unpack.compression import archive_kind, decompress
from provision.unpack.limits import ArchiveRefused, Limits
from provision.unpack.members import ArchiveMember, NameRules
from provision.unpack.selection import layout_of
from provision.unpack.taken_names import TakenNames
from provision.unpack.tar import BLOCK, BoundedStream, TarMembers
from provision.unpack.writer import MTIME

Compression = Literal["none", "gzip", "zstd"]
COMPRESSIONS: tuple[Compression, ...] = get_args(Compression)

HOME = "opt/pythons"  # in the image, PROVISION_HOME there
COMMANDS = f"/{HOME}/bin"
_LINKED = ("bin", "include", "lib")
# A layer may not have such names, which remove files of the layers below.
_WHITEOUT = ".wh."
_SPECIAL_BITS = 0o7000  # set-user-ID, set-group-ID, sticky
_PROBED = "skipped: installed in an image"
_GZIP_LEVEL, _ZSTD_LEVEL = 6, 10
_CHUNK = 1 << 20


@frozen
class Layer:
    """A layer: the descriptor of its blob, the digest of its tar file, and what made it."""

    descriptor: Descriptor
    diff_id: Digest
    made_of: str


@frozen
class LinkedTree:
    """The path of a tree in the image, without a leading slash, and the names in its `bin`, `include` and `lib`."""

    place: str
    names: frozenset[str]

    @classmethod
    def of(cls, place: str, paths: Iterable[str]) -> LinkedTree:
        parts = (path.split("/") for path in paths)
        names = frozenset("/".join(each[:2]) for each in parts if len(each) > 1 and each[0] in _LINKED)
        return cls(place=place, names=names)

    def libraries(self) -> tuple[str, ...]:
        """The directories of the standard library: ``lib/python3.14``."""
        return tuple(sorted(name for name in self.names if name.startswith(("lib/python", "lib/pypy", "lib/graalpy"))))


def tree_place(key: str) -> str:
    """The path of a tree in the image."""
    return f"{HOME}/store/{key}"


def tree_layer(
    layout: ImageLayout,
    store: Store,
    asset: Asset,
    receipt: Receipt,
    entries: Mapping[str, TreeEntry],
    compression: Compression,
) -> Layer:
    """Write the layer of an installed tree, with its receipt: the image's /opt/pythons is a store.

    ``asset`` is the one in the lock; the receipt may have the URL by which another project names the same archive.
    Raises `IntegrityError` if a file was changed since its installation.
    """
    tree, place = store.tree(receipt.key), tree_place(receipt.key)
    # Facts about one machine are left out: when it wrote the tree, and whether it could start the interpreter.
    settled = replace(receipt, asset=asset, probed=_PROBED, boot="", settled=True)
    records = {
        f"{HOME}/receipts/{receipt.key}.entries": entries_bytes(entries),
        f"{HOME}/receipts/{receipt.key}.json": receipt_bytes(settled),
    }
    inside = {f"{place}/{path}": entry for path, entry in entries.items()}

    def read(path: str) -> bytes:
        return records[path] if path in records else _read_file(tree / path.removeprefix(f"{place}/"))

    listed = {path: _file_entry(content) for path, content in records.items()}
    return _write_layer(layout, _above({**listed, **inside}), read, compression, made_of=receipt.key)


def links_layer(layout: ImageLayout, trees: Iterable[LinkedTree], files: Mapping[str, bytes]) -> Layer:
    """Write the layer of the links to the names of trees in `bin`, `include` and `lib`, and of ``files``.

    If several trees have a name, it is that of the first. Environments made through these links have the directory
    above them as their prefix, so links to commands alone are not enough.
    """
    links: dict[str, TreeEntry] = {}
    for tree in trees:
        up = posixpath.relpath(f"/{tree.place}", f"/{HOME}/bin")
        for name in tree.names:
            links.setdefault(f"{HOME}/{name}", TreeEntry("link", LINK_MODE, f"{up}/{name}"))
    contents = {f"{HOME}/{path}": content for path, content in files.items()}
    entries = _above({**links, **{path: _file_entry(content) for path, content in contents.items()}})
    return _write_layer(layout, entries, contents.__getitem__, "none", made_of=f"links in /{HOME}")


def _file_entry(content: bytes) -> TreeEntry:
    return TreeEntry("file", FILE_MODE, hashlib.sha256(content).hexdigest())


def _above(entries: Mapping[str, TreeEntry]) -> dict[str, TreeEntry]:
    """The entries, and the directories above them."""
    found = dict(entries)
    for path in entries:
        while path := path.rpartition("/")[0]:
            found.setdefault(path, TreeEntry("dir", DIRECTORY_MODE))
    return found


def _read_file(path: Path) -> bytes:
    with open_regular(path) as (descriptor, _), os.fdopen(os.dup(descriptor), "rb") as file:
        return file.read()


def _write_layer(
    layout: ImageLayout,
    entries: Mapping[str, TreeEntry],
    read: Callable[[str], bytes],
    compression: Compression,
    *,
    made_of: str,
) -> Layer:
    """Write a tar file of the entries, sorted by path, as a blob."""
    diff_id = hashlib.sha256()
    with layout.new_blob() as blob, _compressed(blob, compression) as packed:

        def write(data: bytes) -> None:
            diff_id.update(data)
            packed(data)

        for path in sorted(entries):
            _write_member(path, entries[path], read, write)
        write(bytes(2 * BLOCK))
    suffix = "" if compression == "none" else f"+{compression}"
    return Layer(descriptor=blob.descriptor(LAYER + suffix), diff_id=Digest(diff_id.hexdigest()), made_of=made_of)


def _write_member(path: str, entry: TreeEntry, read: Callable[[str], bytes], write: Callable[[bytes], None]) -> None:
    if path.rpartition("/")[2].startswith(_WHITEOUT):
        raise IntegrityError(
            f"{path} cannot be in an image: in a layer, names that begin with {_WHITEOUT} remove files",
            hint="Lock another build.",
        )
    member = tarfile.TarInfo(f"{path}/" if entry.kind == "dir" else path)
    member.mtime, member.mode = MTIME, entry.mode
    content = b""
    match entry.kind:
        case "dir":
            member.type = tarfile.DIRTYPE
        case "link":
            member.type, member.linkname = tarfile.SYMTYPE, entry.content
        case "file":
            with store_failures("read a tree", Path(path)):
                content = read(path)
            if hashlib.sha256(content).hexdigest() != entry.content:
                raise IntegrityError(
                    f"/{path}: the file is not as it was installed", hint="Run `provision verify --store --repair`."
                )
            member.size = len(content)
    write(member.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape"))
    write(content)
    write(bytes(-len(content) % BLOCK))


@contextmanager
def _compressed(blob: BlobFile, compression: Compression) -> Iterator[Callable[[bytes], object]]:
    """A function that compresses its input into a blob."""
    if compression == "none":
        yield blob.write
    elif compression == "gzip":
        import gzip

        with gzip.GzipFile("", "wb", _GZIP_LEVEL, cast(IO[bytes], blob), mtime=0) as packed:
            yield packed.write
    else:
        with zstd_writer(cast(IO[bytes], blob), _ZSTD_LEVEL) as stream:
            yield stream.write


def archive_layer(layout: ImageLayout, archive: Path, asset: Asset, limits: Limits) -> tuple[Layer, LinkedTree]:
    """Copy a verified archive into the layout, as a layer; also returns where its tree is.

    Raises `ProvisionError` for a format that no runtime unpacks as a layer, and `IntegrityError` for an archive that
    `sync` would refuse, or with names that remove files of the layers below.
    """
    media_type = layer_type(asset.filename)
    if media_type == OCTETS:
        raise ProvisionError(
            f"{asset.filename} cannot be a layer: image runtimes unpack .tar.gz and .tar.zst",
            hint="Leave out `--archive-layer`: the installed tree becomes the layer.",
        )
    try:
        diff_id, tree = _read_archive(archive, asset, limits)
    except ArchiveRefused as refused:
        raise IntegrityError(
            f"{asset.filename}: {refused}",
            hint="The archive has the locked sha256: its publisher must fix it. Until then, lock another build.",
        ) from refused
    with store_failures("read an archive", archive, CACHE_VARIABLE), archive.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        descriptor = Descriptor(media_type=media_type, digest=asset.sha256, size=size)
        layout.copy(descriptor, lambda write: _copy_file(file, write))
    return Layer(descriptor=descriptor, diff_id=diff_id, made_of=asset.filename), tree


def _copy_file(file: IO[bytes], write: Callable[[bytes], object]) -> None:
    while chunk := file.read(_CHUNK):
        write(chunk)


def _read_archive(archive: Path, asset: Asset, limits: Limits) -> tuple[Digest, LinkedTree]:
    """The digest of an archive's tar file, and the tree in it, read by the same rules as for unpacking."""
    digest = hashlib.sha256()

    def hashed(chunks: Iterator[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            digest.update(chunk)
            yield chunk

    names, layout, inside, root = _MemberNames(limits), layout_of(asset), [], ""
    with archive.open("rb", buffering=0) as file:
        budget = limits.budget(file.seek(0, os.SEEK_END))
        chunks = hashed(decompress(file, archive_kind(file), limits=limits))
        for member in TarMembers(BoundedStream(chunks, budget), max_members=limits.members):
            name = member.name.removeprefix("./")
            if name == "." and member.kind == "dir":
                continue
            names.take(name, member)
            area, path = layout.place(name)
            if area == "tree" and path:
                inside.append(path)
                root = root or name.removesuffix(path).rstrip("/")
        names.finish()
    if not inside:
        raise ArchiveRefused("contains no interpreter at the path of its flavor")
    return Digest(digest.hexdigest()), LinkedTree.of(root, inside)


class _MemberNames:
    """The names in an archive that image runtimes will unpack: members that `sync` refuses or changes are refused."""

    def __init__(self, limits: Limits) -> None:
        self._rules = NameRules(windows=False)
        self._taken = TakenNames(case_insensitive=False, most=limits.members)

    def take(self, name: str, member: ArchiveMember) -> None:
        self._rules.check(name)
        if any(part.startswith(_WHITEOUT) for part in name.split("/")):
            raise ArchiveRefused("has a name that removes files of other layers", name)
        if member.mode & _SPECIAL_BITS and member.kind != "link":
            raise ArchiveRefused(f"has the special mode {member.mode:o}", name)
        match member.kind:
            case "link":
                self._rules.check_target(member.target, name)
                self._taken.take(name, "link", member.target)
                self._taken.resolve_link(name)
            case "hardlink":
                if self._taken.file(member.target.removeprefix("./")) is None:
                    raise ArchiveRefused("is a hard link to what is not an earlier file of the archive", name)
                self._taken.take(name, "file")
            case kind:
                self._taken.take(name, kind)

    def finish(self) -> None:
        """Resolve the links once more, with all of them."""
        for path, _ in self._taken.links():
            self._taken.resolve_link(path)
