"""`image`: its command line and its output."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from provision.cli.candidates import complete_values
from provision.cli.commands.sync import Frozen
from provision.cli.parameters import Names, choice, with_session
from provision.cli.session import CommandAnswer, Session
from provision.errors import UsageError
from provision.plan import left_out_notes
from provision.text import plural, size

if TYPE_CHECKING:
    from provision.workflows.image import MadeImage

_COMPRESSIONS = ("none", "gzip", "zstd")
_PLATFORMS = (
    "linux/amd64",
    "linux/arm64",
    "linux/386",
    "linux/arm/v7",
    "linux/ppc64le",
    "linux/riscv64",
    "linux/s390x",
)


@with_session(transfer=True)
def image(
    session: Session,
    names: Names = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="LAYOUT",
            help="OCI image layout to write: a new directory, or a layout to add to.",
        ),
    ] = None,
    push: Annotated[
        str | None, typer.Option(metavar="REFERENCE", help="Push the image: HOST/REPOSITORY:TAG of a registry.")
    ] = None,
    platform: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PLATFORM",
            autocompletion=complete_values(*_PLATFORMS),
            show_default=False,
            help="Platforms, such as linux/amd64,linux/arm64 (repeatable). [default: all that are locked]",
        ),
    ] = None,
    base: Annotated[
        str,
        typer.Option(
            metavar="BASE",
            autocompletion=complete_values("scratch"),
            help="Image below the interpreters: ./LAYOUT[:NAME], HOST/REPOSITORY[:TAG][@DIGEST], or scratch for none.",
        ),
    ] = "scratch",
    label: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="Label of the image (repeatable).")
    ] = None,
    archive_layer: Annotated[
        bool, typer.Option("--archive-layer", help="Use the archive of one entry, unchanged, as the layer.")
    ] = False,
    compression: Annotated[
        str,
        typer.Option(
            autocompletion=complete_values(*_COMPRESSIONS),
            help="Compression of tree layers: none, gzip or zstd. Only `none` gives the same digest with every version "
            "of a compressor.",
        ),
    ] = "none",
    name: Annotated[
        str | None,
        typer.Option(
            "--name", metavar="NAME", help="Name of the image in the layout. [default: latest]", show_default=False
        ),
    ] = None,
    frozen: Frozen = False,
) -> int:
    """Make a container image of locked interpreters.

    Needs no container runtime: the trees of any Linux platform are installed as by `sync --target`, and become layers
    at /opt/pythons. The same lock file gives the same digest on any machine.

    \b
    Examples:
      provision image -o pythons                              all entries, all their Linux platforms
      provision image default --push registry.example.com/team/python:3.14 --base debian:13-slim
      provision image default -o pythons --base ./debian      on the image in the layout `debian`
      provision image default -o pythons --platform linux/amd64,linux/arm64
      provision image default -o pythons --archive-layer      the downloaded archive as the layer
    """
    from provision.workflows.image import DEFAULT_NAME, ImageRequest
    from provision.workflows.image import image as make_image

    if output is None and push is None:
        raise UsageError(
            "`provision image` requires `--output` or `--push`",
            hint="Pass `-o LAYOUT`, or `--push HOST/REPOSITORY:TAG`.",
        )
    if name is not None and output is None:
        raise UsageError("`--name` requires `--output`: it names the image in a layout")
    request = ImageRequest(
        names=tuple(names or ()),
        platforms=tuple(each for text in platform or () for each in text.split(",")),
        base=base,
        labels=tuple(label or ()),
        archive_layer=archive_layer,
        compression=choice("--compression", compression, _COMPRESSIONS),  # type: ignore[arg-type]
        output=output,
        push=push or "",
        name=DEFAULT_NAME if name is None else name,
        frozen=frozen,
    )
    return session.show(present_image(make_image(session.options, request, session.progress())))


def present_image(made: MadeImage) -> CommandAnswer:
    """The digest, alone on its line, and what is in the image."""
    platforms = [
        {
            "platform": str(each.platform.platform),
            "target": each.platform.target.short,
            "digest": f"sha256:{each.image.digest}",
            "names": [selected.name for selected in each.platform.selected],
            "layers": [
                {
                    "digest": f"sha256:{layer.descriptor.digest}",
                    "diff-id": f"sha256:{layer.diff_id}",
                    "media-type": layer.descriptor.media_type,
                    "size": layer.descriptor.size,
                    "content": layer.made_of,
                }
                for layer in each.layers
            ],
            "left-out": [left.name for left in each.platform.left_out],
        }
        for each in made.platforms
    ]
    document = {
        "version": 1,
        "places": list(made.places),
        "digest": f"sha256:{made.image.digest}",
        "media-type": made.image.media_type,
        "platforms": platforms,
    }
    own = {layer.descriptor.digest: layer.descriptor.size for each in made.platforms for layer in each.layers}
    shown = ", ".join(str(each.platform.platform) for each in made.platforms)
    left_out = [left for each in made.platforms for left in each.platform.left_out]
    notes = (*left_out_notes(left_out), *(note for each in made.platforms for note in each.notes))
    remarks = [f"note: {note}" for note in dict.fromkeys(notes)]
    if not made.is_based:
        remarks.append("note: the image has no C library; with `--base`, `python` can be started in it")
    remarks.append(
        f"wrote {' and '.join(made.places)} for {shown}: {plural(len(own), 'layer')}, {size(sum(own.values()))}"
    )
    return CommandAnswer(
        lines=(f"sha256:{made.image.digest}",), document=document, remarks=remarks, warnings=made.warnings
    )
