"""An image of a layout pushed to a registry, and SBOMs that refer to it there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

from provision.fleet.image_layout import ImageLayout, descriptors, read_descriptor
from provision.fleet.registry import RegistryClient, StoredManifest
from provision.model.oci import EMPTY_BYTES, EMPTY_CONFIG, INDEX, MANIFEST, SPDX, Descriptor, describe, index, manifest
from provision.protocols import Progress
from provision.store.json_tables import parse_json_object


def push_image(
    layout: ImageLayout, image: Descriptor, client: RegistryClient, tag: str, *, mount_from: str, progress: Progress
) -> None:
    """Push an image, or an index with its images, under a tag; blobs before what names them, as registries require.

    ``mount_from`` is a repository of the same registry that may have layers of the base; empty if there is none.
    """
    content = layout.read(image)
    document = parse_json_object(content)
    if image.media_type == INDEX:
        for each in descriptors(document.get("manifests")):
            push_image(layout, each, client, "", mount_from=mount_from, progress=progress)
    else:
        for blob in (read_descriptor(document.get("config")), *descriptors(document.get("layers"))):
            content_of = partial(_counted, layout, blob, progress)
            client.push_blob(blob.digest, blob.size, content_of, mount_from=mount_from)
            progress.finish(blob.digest.hex)
    client.put_manifest(tag or image.digest, content, image.media_type)


def _counted(layout: ImageLayout, blob: Descriptor, progress: Progress) -> Iterator[bytes]:
    """The content of a blob, which may be sent again from the beginning."""
    progress.start(blob.digest.hex, f"sha256:{blob.digest.hex[:12]}", "push", blob.size)
    for piece in layout.pieces(blob):
        yield piece
        progress.advance(blob.digest.hex, len(piece))


def push_sbom(client: RegistryClient, image: Descriptor, sbom: bytes) -> None:
    """Push an SBOM with a manifest that refers to an image.

    If the registry keeps no list of such manifests, it is added to the list under the fallback tag of the
    specification.
    """
    blob = describe(sbom, SPDX)
    for each, content in ((EMPTY_CONFIG, EMPTY_BYTES), (blob, sbom)):
        client.push_blob(each.digest, each.size, partial(_whole, content))
    subject = Descriptor(media_type=image.media_type, digest=image.digest, size=image.size)
    content = manifest(EMPTY_CONFIG, [blob], artifact_type=SPDX, subject=subject)
    own = describe(content, MANIFEST, artifact_type=SPDX)
    if not client.put_manifest(own.digest, content, MANIFEST):
        tag = f"sha256-{image.digest}"
        others = [each for each in _listed(client.get_manifest(tag)) if each.digest != own.digest]
        client.put_manifest(tag, index([*others, own]), INDEX)


def _whole(content: bytes) -> Iterable[bytes]:
    return (content,)


def _listed(found: StoredManifest | None) -> tuple[Descriptor, ...]:
    """The entries of the list under a tag; empty if it is not such a list, which is then replaced."""
    try:
        return descriptors(parse_json_object(found.body).get("manifests")) if found else ()
    except ValueError:
        return ()
