"""`image`: locked interpreters as an image for container runtimes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from provision.catalog.components import bundled_table
from provision.errors import ProvisionError, StoreError, UsageError, cache_failures
from provision.fleet.image import SBOM_FILE, ImageSettings, write_image, write_index
from provision.fleet.image_base import SCRATCH, BaseImage, LayoutSource, RegistrySource, layout_source, read_base
from provision.fleet.image_layers import (
    HOME,
    Compression,
    Layer,
    LinkedTree,
    archive_layer,
    links_layer,
    tree_layer,
    tree_place,
)
from provision.fleet.image_layout import ImageLayout
from provision.fleet.image_reference import ImageReference
from provision.host.files import make_directory, temporary_path, unfinished_files
from provision.model.asset import Digest
from provision.model.oci import LOCK_DIGEST, SBOM_DIGEST, Descriptor
from provision.model.sha256 import sha256_hex
from provision.model.value import frozen
from provision.plan import Selected
from provision.protocols import Progress
from provision.sbom.inventory import Inventory, take_inventory
from provision.store.directories import remove_recursively
from provision.store.layout import Store
from provision.store.receipts import read_entries, read_receipt
from provision.workflows.image_platforms import ImagePlatform, select_platforms
from provision.workflows.lock import find_stale, raise_if_stale
from provision.workflows.options import Options, Scope, open_fetcher
from provision.workflows.prefetch import fetch_archives
from provision.workflows.project import LOCK_NAME, LoadedLock, Project
from provision.workflows.sbom import sbom_document, source_date_epoch
from provision.workflows.selection import archives_of
from provision.workflows.sync import check_provenance, entry_names, sync

if TYPE_CHECKING:
    from provision.fetch.fetcher import Fetcher
    from provision.fleet.registry import RegistryClient

DEFAULT_NAME = "latest"  # of an image in a layout
# As specified for image layouts.
_NAME = re.compile(r"[A-Za-z0-9]+(?:(?:[-._:@/+]|--)[A-Za-z0-9]+)*")


@frozen
class ImageRequest:
    """What to make: the entries, the platforms, the base, and the destination.

    No ``names`` mean all entries, no ``platforms`` all that they are locked for. ``archive_layer`` has the archive of
    one entry as a layer, instead of its tree. ``output`` is a layout, in which the image gets a ``name``; ``push`` is a
    reference in a registry.
    """

    names: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    base: str = SCRATCH
    labels: tuple[str, ...] = ()
    archive_layer: bool = False
    compression: Compression = "none"
    output: Path | None = None
    push: str = ""
    name: str = DEFAULT_NAME
    frozen: bool = False


@frozen
class PlatformImage:
    """The image of one platform, its own layers, its SBOM, and notes for the user."""

    platform: ImagePlatform
    image: Descriptor
    layers: tuple[Layer, ...]
    sbom: bytes
    notes: tuple[str, ...]


@frozen
class MadeImage:
    """An image of one platform, or the index of several; ``places`` are where it was put."""

    image: Descriptor
    places: tuple[str, ...]
    is_based: bool
    platforms: tuple[PlatformImage, ...]
    warnings: tuple[str, ...]


def image(options: Options, request: ImageRequest, progress: Progress) -> MadeImage:
    """Make an image; missing trees and archives are installed or downloaded first.

    Raises `LockFileError` if the lock is missing, out of date, or lacks a platform of the entries.
    """
    labels = _checked_labels(request)
    project = Project.find(options)
    loaded = project.locked()
    if not request.frozen:
        raise_if_stale(project, find_stale(project.manifest(), loaded.lock))
    order, default = entry_names(project, loaded)
    platforms = select_platforms(project, loaded.lock, request.names, request.platforms, (default, *order))
    with open_fetcher(options, progress) as fetcher, _layout(options, request) as layout:
        target = _open_image(request.push, "--push", fetcher) if request.push else None
        base = _source(request.base, fetcher)
        bases = [read_base(base, each.platform) if base else None for each in platforms]
        content: _Trees | _Archives
        if request.archive_layer:
            content = _Archives.fetch(options, project, loaded, platforms, fetcher, progress)
        else:
            content = _Trees.install(options, request, platforms, progress)
        layout.prepare()
        makers = [_Maker(options=options, loaded=loaded, labels=labels, layout=layout, base=below) for below in bases]
        made = tuple(maker.make(each, content) for maker, each in zip(makers, platforms, strict=True))
        whole = made[0].image
        if len(made) > 1:
            everything = _inventory(options, [selected for each in platforms for selected in each.selected])
            whole = write_index(layout, [each.image for each in made], _settings(loaded, everything))
        if request.output is not None:
            layout.name(whole, request.name)
        if target is not None:
            _push(layout, whole, made, base, target, progress)
    places = [f"{request.output}:{request.name}"] if request.output is not None else []
    return MadeImage(
        image=whole,
        places=(*places, *([str(target[1])] if target else ())),
        is_based=base is not None,
        platforms=made,
        warnings=content.warnings,
    )


@frozen
class _Maker:
    """What the image of one platform is made with."""

    options: Options
    loaded: LoadedLock
    labels: Mapping[str, str]
    layout: ImageLayout
    base: BaseImage | None

    def make(self, platform: ImagePlatform, content: _Trees | _Archives) -> PlatformImage:
        inventory = _inventory(self.options, platform.selected)
        sbom = f"{json.dumps(sbom_document(inventory, 'spdx'), indent=1)}\n".encode("ascii")
        own, trees = content.layers(self.layout, platform.selected)
        layers = (*own, links_layer(self.layout, trees.values(), {SBOM_FILE: sbom}))
        settings = _settings(self.loaded, inventory, self.labels, sbom)
        written = write_image(self.layout, platform.platform, self.base, layers, settings)
        notes = tuple(_shared_libraries(trees))
        return PlatformImage(platform=platform, image=written, layers=layers, sbom=sbom, notes=notes)


@contextmanager
def _layout(options: Options, request: ImageRequest) -> Iterator[ImageLayout]:
    """The layout to write: the one requested, or one in the cache until the image is pushed."""
    if request.output is not None:
        yield ImageLayout(request.output)
        return
    place = options.cache / "image"
    with cache_failures("make an image", options.cache):
        make_directory(options.cache)
        for unfinished in unfinished_files(options.cache, place.name):
            remove_recursively(unfinished)
    directory = temporary_path(place)
    try:
        yield ImageLayout(directory)
    finally:
        remove_recursively(directory)


def _open_image(text: str, option: str, fetcher: Fetcher) -> tuple[RegistryClient, ImageReference]:
    from provision.fleet.registry import open_registry

    try:
        reference = ImageReference.parse(text, needs_registry=option == "--push")
        if reference.digest and option == "--push":
            raise ValueError(f"the image to push cannot have a digest: {reference}")
    except ValueError as error:
        raise UsageError(
            f"{option}: {error}", hint="Write it as HOST/REPOSITORY:TAG, such as docker.io/me/python:3.14."
        ) from error
    return open_registry(reference.repository, fetcher), reference


def _source(text: str, fetcher: Fetcher) -> LayoutSource | RegistrySource | None:
    """Where the base is read from; None for none."""
    if text == SCRATCH:
        return None
    return layout_source(text) or RegistrySource(*_open_image(text, "--base", fetcher))


def _push(
    layout: ImageLayout,
    image: Descriptor,
    made: Sequence[PlatformImage],
    base: LayoutSource | RegistrySource | None,
    target: tuple[RegistryClient, ImageReference],
    progress: Progress,
) -> None:
    from provision.fleet.image_push import push_image, push_sbom

    client, reference = target
    near = isinstance(base, RegistrySource) and base.repository.base.origin == client.repository.base.origin
    mount_from = base.repository.name if near and isinstance(base, RegistrySource) else ""
    push_image(layout, image, client, reference.tag, mount_from=mount_from, progress=progress)
    for each in made:
        push_sbom(client, each.image, each.sbom)


def _checked_labels(request: ImageRequest) -> dict[str, str]:
    """The labels; raises `UsageError` for a request that is invalid for any project."""
    if request.archive_layer and request.compression != "none":
        raise UsageError(
            "`--compression` cannot be combined with `--archive-layer`, which leaves the archive unchanged"
        )
    if not _NAME.fullmatch(request.name):
        raise UsageError(f"--name: expected a name such as latest or python:3.14, got {request.name!r}")
    if request.output is not None:
        ImageLayout(request.output).check()
    labels = {}
    for text in request.labels:
        key, equals, value = text.partition("=")
        if not (key and equals):
            raise UsageError(f"--label: expected KEY=VALUE, got {text!r}")
        labels[key] = value
    return labels


def _inventory(options: Options, selected: Sequence[Selected]) -> Inventory:
    """The components in an image: only from the bundled table, as newer data of this machine would change the SBOM."""
    assets = [(each.name, each.asset) for each in selected]
    without = {each.name: each.tree.without for each in selected}
    epoch = source_date_epoch(options.environ)
    return take_inventory(LOCK_NAME, assets, bundled_table(), epoch=epoch, without=without)


def _settings(
    loaded: LoadedLock, inventory: Inventory, labels: Mapping[str, str] = {}, sbom: bytes | None = None
) -> ImageSettings:
    annotations = {LOCK_DIGEST: f"sha256:{loaded.digest}"}
    if sbom is not None:
        annotations[SBOM_DIGEST] = f"sha256:{sha256_hex(sbom)}"
    return ImageSettings(created=inventory.created, labels=labels, annotations=annotations)


@frozen
class _Trees:
    """Installed trees as layers."""

    store: Store
    compression: Compression
    warnings: tuple[str, ...]

    @classmethod
    def install(
        cls, options: Options, request: ImageRequest, platforms: Sequence[ImagePlatform], progress: Progress
    ) -> _Trees:
        warnings: dict[str, None] = {}
        for level in dict.fromkeys(each.platform.cpu for each in platforms):
            targets = tuple(each.target for each in platforms if each.platform.cpu == level)
            scope = Scope(names=request.names, targets=targets, cpu=level)
            synced = sync(options, scope, progress, locked=True, frozen=request.frozen)
            warnings.update(dict.fromkeys(synced.warnings))
        store = options.store
        for each in {selected.key: selected for platform in platforms for selected in platform.selected}.values():
            warnings.update(dict.fromkeys(_differences(store, each)))
        return cls(store=store, compression=request.compression, warnings=tuple(warnings))

    def layers(self, layout: ImageLayout, selected: Sequence[Selected]) -> tuple[list[Layer], dict[str, LinkedTree]]:
        layers: dict[str, Layer] = {}
        trees = {}
        for each in selected:
            if each.key in layers:  # of another entry: the first one has the links
                continue
            receipt = read_receipt(self.store, each.key)
            entries = read_entries(self.store, receipt) if receipt else None
            if receipt is None or entries is None:
                raise StoreError(
                    f"{each.key} is not installed, or its list of files is damaged",
                    hint="Run `provision verify --store --repair`, then the command again.",
                )
            layers[each.key] = tree_layer(layout, self.store, each.asset, receipt, entries, self.compression)
            trees[each.name] = LinkedTree.of(tree_place(each.key), entries)
        return [layers[key] for key in sorted(layers)], trees


def _differences(store: Store, selected: Selected) -> Iterable[str]:
    """Warnings about anything that would make the tree differ on another machine; raises `ProvisionError` for missing
    bytecode.
    """
    receipt = read_receipt(store, selected.key)
    if receipt is None:
        return
    if receipt.tree.bytecode and receipt.probed != "ok":
        raise ProvisionError(
            f"entry {selected.name!r} requests bytecode, which only the tree's own interpreter can compile; this "
            f"machine cannot run {selected.asset.target.label(selected.asset.cpu)}",
            hint=f"Make the image on a machine that can, or remove `bytecode` from entry {selected.name!r}.",
        )
    for note in receipt.notes:
        yield f"{selected.key}: {note}; on other file systems the image has another digest"


def _shared_libraries(trees: Mapping[str, LinkedTree]) -> Iterator[str]:
    """A note for each entry whose standard library has the name of an earlier one, as a debug build's has."""
    owners: dict[str, str] = {}
    for name, tree in trees.items():
        for library in tree.libraries():
            owner = owners.setdefault(library, name)
            if owner != name:
                yield (
                    f"/{HOME}/{library} is that of entry {owner!r}; start entry {name!r} as /{tree.place}/bin/python"
                )


@frozen
class _Archives:
    """Archives, as they were downloaded, as layers."""

    paths: Mapping[Digest, Path]
    environ: Mapping[str, str]
    warnings: tuple[str, ...]

    @classmethod
    def fetch(
        cls,
        options: Options,
        project: Project,
        loaded: LoadedLock,
        platforms: Sequence[ImagePlatform],
        fetcher: Fetcher,
        progress: Progress,
    ) -> _Archives:
        for each in platforms:
            if len(each.selected) != 1:
                raise UsageError(
                    "`--archive-layer` requires one entry, as archives have the same paths; got "
                    f"{', '.join(selected.name for selected in each.selected)}",
                    hint="Name one entry, and make an image of each.",
                )
        selection = [selected for each in platforms for selected in each.selected]
        warnings = check_provenance(options, project, loaded.lock, selection, progress)
        archives = archives_of((each.name, each.asset) for each in selection)
        paths = fetch_archives(project, archives, fetcher, jobs=options.jobs)
        return cls(paths=paths, environ=options.environ, warnings=(*loaded.warnings, *warnings))

    def layers(self, layout: ImageLayout, selected: Sequence[Selected]) -> tuple[list[Layer], dict[str, LinkedTree]]:
        from provision.unpack.limits import Limits

        limits = Limits.of(self.environ)
        layers, trees = [], {}
        for each in selected:
            layer, trees[each.name] = archive_layer(layout, self.paths[each.asset.sha256], each.asset, limits)
            layers.append(layer)
        return layers, trees
