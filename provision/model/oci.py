"""OCI documents: descriptors, manifests, indexes, and their canonical bytes.

Sources: the OCI image specification 1.1 and distribution specification 1.1. A digest is written ``sha256:<hex>`` in
these documents; a manifest's own digest is that of its bytes, so the same document must be the same bytes everywhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from provision.model.asset import Digest
from provision.model.value import field, frozen

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
EMPTY = "application/vnd.oci.empty.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
OCTETS = "application/octet-stream"
# Manifests and indexes, under OCI's name and under Docker's.
MANIFESTS = (MANIFEST, "application/vnd.docker.distribution.manifest.v2+json")
INDEXES = (INDEX, "application/vnd.docker.distribution.manifest.list.v2+json")
SPDX = "application/spdx+json"
# The artifact type of an archive's manifest.
ARCHIVE = "application/vnd.provision.archive.v1"

# Annotations defined by the specification.
TITLE = "org.opencontainers.image.title"
REF_NAME = "org.opencontainers.image.ref.name"
CREATED = "org.opencontainers.image.created"
BASE_DIGEST, BASE_NAME = "org.opencontainers.image.base.digest", "org.opencontainers.image.base.name"
# Annotations of an image: the sha256 of the lock file that it was made from, and of the SBOM in it.
LOCK_DIGEST, SBOM_DIGEST = "vnd.provision.lock.digest", "vnd.provision.sbom.digest"

# The content of `EMPTY`, for artifacts without a configuration.
EMPTY_BYTES = b"{}"
EMPTY_DIGEST = Digest("44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a")

# The size of a manifest or an index that the specification wants registries to accept, in bytes.
MAX_MANIFEST = 4 << 20

LAYOUT_FILE, BLOBS = "oci-layout", "blobs/sha256"
LAYOUT_BYTES = b'{"imageLayoutVersion":"1.0.0"}'

_COMPRESSIONS = {".tar.gz": "+gzip", ".tgz": "+gzip", ".tar.zst": "+zstd", ".tar": ""}


@frozen
class Descriptor:
    """The name of a blob or a manifest: media type, digest and size in bytes; in an index also its platform."""

    media_type: str
    digest: Digest
    size: int
    annotations: Mapping[str, str] = field(default_factory=dict)
    platform: Mapping[str, str] = field(default_factory=dict)
    artifact_type: str = ""

    def document(self) -> dict[str, object]:
        """The JSON object, without empty values."""
        document: dict[str, object] = {
            "mediaType": self.media_type,
            "digest": f"sha256:{self.digest}",
            "size": self.size,
        }
        if self.artifact_type:
            document["artifactType"] = self.artifact_type
        if self.annotations:
            document["annotations"] = dict(self.annotations)
        if self.platform:
            document["platform"] = dict(self.platform)
        return document


def describe(
    content: bytes, media_type: str, *, annotations: Mapping[str, str] | None = None, artifact_type: str = ""
) -> Descriptor:
    """The descriptor of given content."""
    return Descriptor(
        media_type=media_type,
        digest=Digest.of(content),
        size=len(content),
        annotations=annotations or {},
        artifact_type=artifact_type,
    )


# The configuration of artifacts, which have none.
EMPTY_CONFIG = Descriptor(media_type=EMPTY, digest=EMPTY_DIGEST, size=len(EMPTY_BYTES))


def manifest(
    config: Descriptor,
    layers: Iterable[Descriptor],
    *,
    annotations: Mapping[str, str] | None = None,
    artifact_type: str = "",
    subject: Descriptor | None = None,
) -> bytes:
    """The bytes of an image manifest; with ``artifact_type``, of an artifact's."""
    document: dict[str, object] = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": config.document(),
        "layers": [layer.document() for layer in layers],
    }
    if artifact_type:
        document["artifactType"] = artifact_type
    if annotations:
        document["annotations"] = dict(annotations)
    if subject:
        document["subject"] = subject.document()
    return encode(document)


def index(manifests: Iterable[Descriptor], *, annotations: Mapping[str, str] | None = None) -> bytes:
    """The bytes of an image index, as of an image for several platforms, or of a layout's ``index.json``."""
    document: dict[str, object] = {
        "schemaVersion": 2,
        "mediaType": INDEX,
        "manifests": [each.document() for each in manifests],
    }
    if annotations:
        document["annotations"] = dict(annotations)
    return encode(document)


def archive_manifest(sha256: Digest, size: int, filename: str) -> bytes:
    """The bytes of the artifact manifest that keeps one archive in a registry: the same for every registry.

    A registry's garbage collection removes blobs that no manifest names, and some registries return no blob before its
    manifest was requested.
    """
    archive = Descriptor(
        media_type=layer_type(filename), digest=sha256, size=size, annotations={TITLE: filename} if filename else {}
    )
    return manifest(EMPTY_CONFIG, [archive], artifact_type=ARCHIVE)


def archive_tag(sha256: Digest) -> str:
    """The tag of an archive's manifest.

    Not ``sha256-<hex>``: clients without the referrers API read such tags as lists of manifests that refer to another
    one, and clean-up jobs remove them if that one does not exist.
    """
    return f"archive-{sha256}"


def layer_type(filename: str) -> str:
    """The media type of an archive: that of a layer if image runtimes can unpack it, else plain bytes."""
    for suffix, compression in _COMPRESSIONS.items():
        if filename.endswith(suffix):
            return LAYER + compression
    return OCTETS


def blob_path(digest: Digest) -> str:
    """Where an OCI image layout keeps a blob or a manifest."""
    return f"{BLOBS}/{digest}"


def encode(document: Mapping[str, object]) -> bytes:
    """Canonical bytes: sorted keys, no white space, ASCII only."""
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode("ascii")
