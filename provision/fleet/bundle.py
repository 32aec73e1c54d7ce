"""`BundleContents`: the archives and files of a bundle, its documents and paths.

A bundle is an OCI image layout. Its index names an artifact manifest for each archive, the same as in a registry, and
one for the project: the manifest, the lock file, attestations and components. Everything is stored under its digest;
archives and files of the project also have the names that mirrors and people use. The lock file and the sizes of the
archives determine all of it, so a reader can compute what a bundle must have, and refuse anything else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from provision.fetch.mirrors import release_path
from provision.model import oci
from provision.model.asset import Asset, Digest
from provision.model.value import frozen

INDEX_FILE = "index.json"
# The archives that a bundle leaves out because an earlier one has them; other bundles have no such file.
SINCE_FILE = "since.json"
MANIFEST_FILE, LOCK_FILE, COMPONENTS_FILE = "pythons.toml", "pythons.lock", "components.json"
ATTESTATIONS = "pythons.attestations/"

# The artifact type of the project's manifest, and its tag.
PROJECT = "application/vnd.provision.project.v1"
PROJECT_TAG = "project"

# Names that every file system and every header of a tar file can hold, as those of all PBS archives are.
_is_plain_path = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]*/[0-9A-Za-z][0-9A-Za-z._+~-]{0,99}", re.ASCII).fullmatch
# Directories of a bundle that are never a release, in any letter case.
_TAKEN = frozenset({"blobs", ATTESTATIONS.rstrip("/"), LOCK_FILE, MANIFEST_FILE, INDEX_FILE, SINCE_FILE})


@frozen
class BundledArchive:
    """An archive of a bundle: its digest, its size in bytes, the name in its manifest, and its paths but for the blob.

    ``asset`` is a row of the lock that it is the archive of.
    """

    digest: Digest
    size: int
    asset: Asset
    paths: tuple[str, ...] = ()

    @property
    def filename(self) -> str:
        return self.asset.filename

    @property
    def manifest(self) -> bytes:
        return oci.archive_manifest(self.digest, self.size, self.filename)

    @property
    def blob(self) -> str:
        return oci.blob_path(self.digest)


@frozen
class BundleContents:
    """All contents of a bundle. ``files`` are those of the project, by name; ``archives`` are sorted by digest."""

    files: Mapping[str, bytes]
    archives: tuple[BundledArchive, ...]

    @classmethod
    def of(cls, assets: Iterable[Asset], sizes: Mapping[Digest, int], files: Mapping[str, bytes]) -> BundleContents:
        """The contents for locked assets, whose archives have the given sizes."""
        by_digest: dict[Digest, list[Asset]] = {}
        for asset in sorted(assets, key=lambda asset: (asset.sha256, asset.filename, asset.url)):
            by_digest.setdefault(asset.sha256, []).append(asset)
        taken: set[str] = set()
        archives = []
        for digest, rows in by_digest.items():
            paths = tuple(sorted({path for row in rows if (path := _named_path(row)) and path not in taken}))
            taken.update(paths)
            archives.append(BundledArchive(digest=digest, size=sizes[digest], asset=rows[0], paths=paths))
        return cls(files=dict(sorted(files.items())), archives=tuple(archives))

    @property
    def index(self) -> bytes:
        """The bytes of ``index.json``; their digest is that of the bundle, because it names all other files."""
        project = _tagged(self._project, PROJECT_TAG, PROJECT)
        archives = (
            _tagged(archive.manifest, oci.archive_tag(archive.digest), oci.ARCHIVE) for archive in self.archives
        )
        return oci.index([project, *archives])

    @property
    def digest(self) -> Digest:
        return Digest.of(self.index)

    def documents(self) -> dict[str, bytes]:
        """All small files by path; files come before those that name them."""
        blobs = [self._project, *(archive.manifest for archive in self.archives), oci.EMPTY_BYTES, *self.files.values()]
        return {
            oci.LAYOUT_FILE: oci.LAYOUT_BYTES,
            INDEX_FILE: self.index,
            **{oci.blob_path(Digest.of(blob)): blob for blob in blobs},
        }

    def named_files(self) -> dict[str, Digest]:
        """The digests of the project's files by name."""
        return {name: Digest.of(content) for name, content in self.files.items()}

    @property
    def _project(self) -> bytes:
        layers = [
            oci.describe(content, oci.OCTETS, annotations={oci.TITLE: name}) for name, content in self.files.items()
        ]
        return oci.manifest(oci.EMPTY_CONFIG, layers, artifact_type=PROJECT)


def attestation_name(digest: Digest) -> str:
    """The name of an attestation in a bundle: its name next to the lock file."""
    return f"{ATTESTATIONS}{digest}.json"


def _tagged(manifest: bytes, tag: str, artifact_type: str) -> oci.Descriptor:
    return oci.describe(manifest, oci.MANIFEST, annotations={oci.REF_NAME: tag}, artifact_type=artifact_type)


def _named_path(asset: Asset) -> str:
    """``<release tag>/<file name>``, where mirrors have the archive; empty for archives only available by digest."""
    path = release_path(asset)
    if not path:
        return ""
    named = f"{path.partition('/')[0]}/{asset.filename}"
    return named if _is_plain_path(named) and named.partition("/")[0].lower() not in _TAKEN else ""
