"""Documents of an image: configuration and manifest of a platform, and the index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from provision.fleet.image_base import BaseImage
from provision.fleet.image_layers import COMMANDS, Layer
from provision.fleet.image_layout import ImageLayout
from provision.model.oci import CONFIG, CREATED, INDEX, MANIFEST, Descriptor, encode, index, manifest
from provision.model.platform import Platform
from provision.model.value import frozen, replace
from provision.store.json_tables import JsonObject

# The path of the SBOM in the image, where image scanners find it, next to the trees.
SBOM_FILE = "sbom.spdx.json"

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"  # if the base sets none
_MAKER = "provision image"


@frozen
class ImageSettings:
    """What all platforms of an image share.

    ``created`` is an RFC 3339 time; ``annotations`` are those of each manifest; ``labels`` are for the configuration.
    """

    created: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


def write_image(
    layout: ImageLayout, platform: Platform, base: BaseImage | None, layers: Sequence[Layer], settings: ImageSettings
) -> Descriptor:
    """Write the image of one platform, whose own layers are in the layout, and copy the layers of its base."""
    below = base.layers if base else ()
    if base:
        for layer in below:
            layout.copy(layer, partial(base.source.save, layer))
    config = layout.add(encode(_config(platform, base, layers, settings)), CONFIG)
    annotations = {CREATED: settings.created, **settings.annotations, **(base.annotations() if base else {})}
    content = manifest(config, [*below, *(layer.descriptor for layer in layers)], annotations=annotations)
    return replace(layout.add(content, MANIFEST), platform=platform.document())


def write_index(layout: ImageLayout, images: Sequence[Descriptor], settings: ImageSettings) -> Descriptor:
    """Write the index of an image for several platforms."""
    annotations = {CREATED: settings.created, **settings.annotations}
    return layout.add(index(images, annotations=annotations), INDEX)


def _config(
    platform: Platform, base: BaseImage | None, layers: Sequence[Layer], settings: ImageSettings
) -> dict[str, object]:
    """The configuration: that of the base, with our layers, `PATH`, command and labels."""
    document: JsonObject = base.config if base else {}
    config = _table(document.get("config"))
    labels = {**_table(config.get("Labels")), **settings.labels}
    config = {**config, "Env": _environment(config.get("Env")), "Cmd": ["python"]}
    made = {
        **document,
        **platform.document(),
        "created": settings.created,
        "config": {**config, "Labels": labels} if labels else config,
        "rootfs": {
            "type": "layers",
            "diff_ids": [f"sha256:{each}" for each in (*(base.diff_ids if base else ()), *(x.diff_id for x in layers))],
        },
        "history": _history(document.get("history"), base, layers, settings.created),
    }
    return {key: value for key, value in made.items() if value != []}


def _environment(given: object) -> list[str]:
    """The variables of the base, with the commands of the image first in `PATH`."""
    variables = [each for each in given if isinstance(each, str)] if isinstance(given, list) else []
    paths = [each.partition("=")[2] for each in variables if each.startswith("PATH=")]
    path = f"PATH={COMMANDS}:{paths[-1] if paths else _PATH}"
    return [path, *(each for each in variables if not each.startswith("PATH="))]


def _history(given: object, base: BaseImage | None, layers: Sequence[Layer], created: str) -> list[object]:
    """The history of the base and of our layers; none if the base has layers without history."""
    earlier = list(given) if isinstance(given, list) else []
    if base and base.layers and not earlier:
        return []
    return [*earlier, *({"created": created, "created_by": f"{_MAKER}: {each.made_of}"} for each in layers)]


def _table(given: object) -> dict[str, object]:
    return dict(given) if isinstance(given, dict) else {}
