"""The base of an image, found for a platform in a layout or a registry."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from provision.errors import ProvisionError, UsageError
from provision.fleet.image_layout import ImageLayout, descriptors, is_layout, read_descriptor, read_digest
from provision.fleet.image_reference import ImageReference
from provision.model.asset import Digest
from provision.model.oci import BASE_DIGEST, BASE_NAME, INDEXES, LAYER, MANIFESTS, MAX_MANIFEST, REF_NAME, Descriptor
from provision.model.platform import Platform
from provision.model.value import frozen
from provision.store.json_tables import JsonObject, json_object, parse_json_object, string

if TYPE_CHECKING:
    from provision.fetch.registries import Repository
    from provision.fleet.registry import RegistryClient

SCRATCH = "scratch"
# As many as container runtimes can put on top of one another.
_MOST_LAYERS = 127
# Levels of JSON more than a configuration has where it is written again, with room for the calls around that.
_MORE_LEVELS = 60

_DOCKER = "application/vnd.docker"
# OCI's layers, and the same under Docker's names.
_LAYERS = {
    **{f"{LAYER}{suffix}": f"{LAYER}{suffix}" for suffix in ("", "+gzip", "+zstd")},
    f"{_DOCKER}.image.rootfs.diff.tar": LAYER,
    f"{_DOCKER}.image.rootfs.diff.tar.gzip": f"{LAYER}+gzip",
    f"{_DOCKER}.image.rootfs.diff.tar.zstd": f"{LAYER}+zstd",
}


class ImageSource(Protocol):
    """Where images are read from. ``reference`` names the image for everyone, and is empty for a path."""

    @property
    def reference(self) -> str: ...

    def image(self) -> Descriptor:
        """The image, or the index of it for several platforms."""
        ...

    def read(self, descriptor: Descriptor) -> bytes:
        """A document, compared with its digest and size."""
        ...

    def save(self, descriptor: Descriptor, write: Callable[[bytes], object]) -> None:
        """Pass a layer to ``write``, which compares it with its digest."""
        ...


@frozen
class BaseImage:
    """An image for one platform: its configuration, and its layers with the digests of their tar files."""

    source: ImageSource
    manifest: Descriptor
    layers: tuple[Descriptor, ...]
    diff_ids: tuple[Digest, ...]
    config: JsonObject

    def annotations(self) -> dict[str, str]:
        """The facts that an image records about its base."""
        named = {BASE_NAME: self.source.reference} if self.source.reference else {}
        return {**named, BASE_DIGEST: f"sha256:{self.manifest.digest}"}


@frozen(kw_only=False)
class LayoutSource:
    """An image in a layout; without a ``tag``, the only one."""

    layout: ImageLayout
    tag: str = ""

    @property
    def reference(self) -> str:
        return ""

    def image(self) -> Descriptor:
        found = self.layout.images()
        named = [each for each in found if not self.tag or each.annotations.get(REF_NAME) == self.tag]
        if len(named) == 1:
            return named[0]
        names = ", ".join(sorted(each.annotations.get(REF_NAME, "one without a name") for each in found)) or "none"
        what = f"has no image {self.tag!r}" if self.tag else f"has {len(found)} images, of which `--base` names none"
        place = str(self.layout.path)
        shown = place if _is_path(place) else f"./{place}"
        raise ProvisionError(f"{place} {what}", hint=f"Pass `--base {shown}:NAME`. Images: {names}.")

    def read(self, descriptor: Descriptor) -> bytes:
        return self.layout.read(descriptor)

    def save(self, descriptor: Descriptor, write: Callable[[bytes], object]) -> None:
        for chunk in self.layout.pieces(descriptor):
            write(chunk)


class RegistrySource:
    """An image in a registry."""

    def __init__(self, client: RegistryClient, reference: ImageReference) -> None:
        self._client, self._reference = client, reference

    @property
    def reference(self) -> str:
        return str(self._reference)

    @property
    def repository(self) -> Repository:
        return self._client.repository

    def image(self) -> Descriptor:
        found = self._client.get_manifest(self._reference.digest or self._reference.tag)
        if found is None:
            raise ProvisionError(f"the registry has no image {self._reference}", hint="Choose another base image.")
        return Descriptor(media_type=found.media_type, digest=found.digest, size=len(found.body))

    def read(self, descriptor: Descriptor) -> bytes:
        if descriptor.media_type in (*INDEXES, *MANIFESTS):
            found = self._client.get_manifest(descriptor.digest)
            if found is None:
                raise ProvisionError(
                    f"the registry has no manifest sha256:{descriptor.digest} of {self._reference}",
                    hint="Choose another base image.",
                )
            return found.body
        content = bytearray()
        self._client.save_blob(descriptor.digest, min(descriptor.size, MAX_MANIFEST), content.extend)
        return bytes(content)

    def save(self, descriptor: Descriptor, write: Callable[[bytes], object]) -> None:
        self._client.save_blob(descriptor.digest, descriptor.size, write)


def layout_source(text: str) -> LayoutSource | None:
    """The image in the layout that ``--base`` names as ``DIR`` or ``DIR:NAME``; None for an image in a registry.

    Only a text in the form of a path is one, such as ``./debian``: a pull request could add a directory with the name
    of an image.
    """
    if not _is_path(text):
        return None
    path, colon, tag = text.rpartition(":")
    for directory, name in ((text, ""), (path, tag) if colon else (text, "")):
        if directory and is_layout(Path(directory)):
            return LayoutSource(ImageLayout(Path(directory)), name)
    raise UsageError(
        f"--base: expected an OCI image layout, an image reference or {SCRATCH}; got the path {text!r}",
        hint="Make a layout with `skopeo copy docker://IMAGE oci:DIR`.",
    )


def _is_path(text: str) -> bool:
    return text.startswith((".", "/")) or "\\" in text or re.match(r"[A-Za-z]:/", text) is not None


def read_base(source: ImageSource, platform: Platform) -> BaseImage:
    """The base for a platform; raises `ProvisionError` if there is none for it, or if it is invalid."""
    descriptor = _for_platform(source, source.image(), platform)
    try:
        document = parse_json_object(source.read(descriptor))
        layers = tuple(map(_layer, descriptors(document.get("layers"))))
        if len(layers) > _MOST_LAYERS:
            raise ValueError(f"{len(layers)} layers, more than {_MOST_LAYERS}")
        config = _config(source.read(read_descriptor(document.get("config"))))
        diff_ids = _diff_ids(config)
        if len(diff_ids) != len(layers):
            raise ValueError(f"{len(layers)} layers and {len(diff_ids)} digests of them")
        found = f"{string(config.get('os'))}/{string(config.get('architecture'))}"
    except ValueError as error:
        raise ProvisionError(
            f"the base image sha256:{descriptor.digest} is invalid: {error}", hint="Choose another base image."
        ) from error
    if found != f"linux/{platform.architecture}":
        raise _missing(platform, [found])
    return BaseImage(source=source, manifest=descriptor, layers=layers, diff_ids=diff_ids, config=config)


def _for_platform(source: ImageSource, top: Descriptor, platform: Platform) -> Descriptor:
    if top.media_type in MANIFESTS:
        return top
    if top.media_type not in INDEXES:
        raise ProvisionError(
            f"the base is {top.media_type or 'of no type'}, not an image", hint="Choose another base image."
        )
    try:
        found = descriptors(parse_json_object(source.read(top)).get("manifests"))
    except ValueError as error:
        raise ProvisionError(f"the base image is invalid: {error}", hint="Choose another base image.") from error
    images = [each for each in found if each.media_type in MANIFESTS and each.platform.get("os") == "linux"]
    own = [each for each in images if each.platform.get("architecture") == platform.architecture]
    for variant in (platform.variant, ""):  # an image for a higher x86-64 level may have a base for all levels
        for each in own:
            if _variant(each) == variant:
                return each
    raise _missing(platform, map(_shown_platform, images))


def _variant(image: Descriptor) -> str:
    """The variant, empty if it is the default: ``v8`` of arm64."""
    variant = image.platform.get("variant", "")
    try:
        return Platform.parse(f"linux/{image.platform.get('architecture')}/{variant}").variant
    except ValueError:
        return variant


def _shown_platform(image: Descriptor) -> str:
    return "/".join(filter(None, (image.platform.get(key, "") for key in ("os", "architecture", "variant"))))


def _missing(platform: Platform, found: Iterable[str]) -> ProvisionError:
    return ProvisionError(
        f"the base image is not for {platform}, only for {', '.join(sorted({*found})) or 'other systems'}",
        hint="Choose another base image, or pass `--platform` without this platform.",
    )


def _layer(layer: Descriptor) -> Descriptor:
    if layer.media_type not in _LAYERS:
        raise ValueError(f"a layer is {layer.media_type!r}, which cannot be copied")
    return Descriptor(media_type=_LAYERS[layer.media_type], digest=layer.digest, size=layer.size)


def _config(content: bytes) -> JsonObject:
    """The configuration; raises `ValueError` also for what can be read, and could not be written as JSON again."""
    config = parse_json_object(content)
    nested: object = config
    for _ in range(_MORE_LEVELS):
        nested = [nested]
    try:
        json.dumps(nested, allow_nan=False)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except ValueError:
        raise ValueError("the configuration has NaN or an infinite number") from None
    return config


def _diff_ids(config: JsonObject) -> tuple[Digest, ...]:
    found = json_object(config.get("rootfs")).get("diff_ids")
    if not isinstance(found, list):
        raise ValueError("the configuration has no list of its layers")
    return tuple(map(read_digest, found))
