"""`catalog`: its command line and its output."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from provision.cli.candidates import complete_builds, complete_requests, complete_targets, complete_values
from provision.cli.console import Console, table
from provision.cli.parameters import OutputFile, parse_tag, with_session
from provision.cli.session import CommandAnswer, Session
from provision.model.asset import CPU_LEVELS, FLAVORS, OPTIONS, Asset
from provision.text import plural, printable

if TYPE_CHECKING:
    from provision.workflows.catalog import CatalogPage, Release
    from provision.workflows.refresh import Updated


catalog = typer.Typer(help="List available builds, or download the newest list.", no_args_is_help=True)


@catalog.command("update")
@with_session(transfer=True)
def catalog_update(
    session: Session,
    url: Annotated[
        list[str] | None,
        typer.Option(
            metavar="URL",
            help="Read this catalog instead (repeatable): https:// or file://. [env var: PROVISION_CATALOG_URL]",
        ),
    ] = None,
    build: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TAG",
            parser=parse_tag,
            autocompletion=complete_builds,
            help="Read the SHA256SUMS of this release instead (repeatable).",
        ),
    ] = None,
    github: Annotated[
        bool, typer.Option("--github", help="Also read the releases from GitHub's API: sizes and times.")
    ] = False,
    sizes: Annotated[
        bool, typer.Option("--sizes", help="Request unknown sizes from the server of each archive.")
    ] = False,
    advisories: Annotated[
        bool,
        typer.Option("--advisories", help="Also download the default advisory databases (see docs/reviewing.md)."),
    ] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Update all implementations, not only those in the manifest.")
    ] = False,
) -> int:
    """Download the lists of all builds.

    Adds builds newer than this release of provision, and missing details of older builds. Mirrors are tried first,
    for `python-build-standalone.ndjson` beside their releases.

    \b
    Examples:
      provision catalog update
      provision catalog update --all --github
      provision catalog update --advisories
      provision catalog update --mirror https://mirror.example.com/pbs --build 20261110
    """
    from provision.workflows.refresh import UpdateRequest, update

    request = UpdateRequest(
        urls=tuple(url or ()),
        builds=tuple(build or ()),
        github=github,
        sizes=sizes,
        everything=everything,
        advisories=advisories,
    )
    return session.show(present_updated(update(session.options, request, session.progress())))


@catalog.command("list")
@with_session()
def catalog_list(
    session: Session,
    request: Annotated[
        str | None,
        typer.Argument(
            autocompletion=complete_requests, help="A version request: 3.14, 3.14t, '>=3.12,<3.14', pypy3.11, …"
        ),
    ] = None,
    target: Annotated[
        list[str] | None,
        typer.Option(
            "--target",
            "-t",
            metavar="TARGET",
            autocompletion=complete_targets,
            help="Only assets for this target (repeatable).",
        ),
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(
            metavar="OPTION",
            autocompletion=complete_values(*OPTIONS),
            help="With this build option (repeatable): debug, freethreaded, …",
        ),
    ] = None,
    flavor: Annotated[
        str | None,
        typer.Option(autocompletion=complete_values(*FLAVORS), help="install_only_stripped, install_only or full."),
    ] = None,
    build: Annotated[
        str | None,
        typer.Option(
            metavar="TAG",
            parser=parse_tag,
            autocompletion=complete_builds,
            help="Of this build, or `latest` of each version.",
        ),
    ] = None,
    cpu: Annotated[
        str | None,
        typer.Option(metavar="LEVEL", autocompletion=complete_values(*CPU_LEVELS), help="baseline, v2, v3 or v4."),
    ] = None,
    limit: Annotated[int, typer.Option(metavar="N", min=0, help="Show no more than N assets; 0 for all.")] = 50,
) -> int:
    """List matching assets, newest first.

    \b
    Examples:
      provision catalog list 3.14t --target linux-x86_64
      provision catalog list 3.13.5 --option debug --build latest
      provision catalog list pypy3.11 --json
    """
    from provision.workflows.catalog import list_assets, parse_query

    queries = parse_query(request, targets=target or (), options=option or (), flavor=flavor, build=build, cpu=cpu)
    return session.show(present_assets(list_assets(session.options, queries), limit, session.console))


@catalog.command("show")
@with_session()
def catalog_show(
    session: Session,
    name: Annotated[str, typer.Argument(autocompletion=complete_builds, help="The file name of an asset, or a build.")],
) -> int:
    """Show the details of an asset or a build.

    \b
    Examples:
      provision catalog show cpython-3.14.0+20251010-x86_64-unknown-linux-gnu-install_only.tar.gz
      provision catalog show 20251010
    """
    from provision.workflows.catalog import show_asset, show_release

    if (release := show_release(session.options, name)) is not None:
        return session.show(present_release(release, session.console))
    return session.show(present_asset(show_asset(session.options, name), session.console))


@catalog.command("page")
@with_session()
def catalog_page(session: Session, output: OutputFile = None) -> int:
    """Write the catalog as a web page with a search.

    One file of HTML that loads nothing from the network and works from disk: all assets, their components, what
    changed since the build before, and the line for pythons.toml. The same catalog gives the same bytes.

    \b
    Examples:
      provision catalog page -o catalog.html
      provision catalog update --all && provision catalog page -o public/catalog.html
    """
    from provision.workflows.catalog import make_catalog_page, write_catalog_page

    page = make_catalog_page(session.options)
    if output is not None:
        write_catalog_page(page, output)
    return session.show(present_page(page, output))


def present_updated(updated: Updated) -> CommandAnswer:
    """A remark for each source that was asked."""
    remarks = []
    for one in updated.results:
        news = f"{plural(one.new, 'new asset')}" if one.new else "nothing new"
        remarks.append(f"{one.outcome}: {plural(one.count, 'asset')} from {one.origin}, {news}")
    for database in updated.advisories:
        advisories = plural(database.count, "advisory", "advisories")
        remarks.append(f"{database.outcome}: {advisories} from {database.origin} ({database.name})")
    document = {
        "version": 1,
        "sources": [
            {
                "outcome": one.outcome,
                "origin": one.origin,
                "as-of": one.as_of,
                "assets": one.count,
                "new": one.new,
                "gone": one.gone,
            }
            for one in updated.results
        ],
        "advisories": [
            {
                "name": database.name,
                "outcome": database.outcome,
                "origin": database.origin,
                "as-of": database.as_of,
                "count": database.count,
            }
            for database in updated.advisories
        ],
    }
    warnings = [note for one in updated.results for note in one.notes]
    return CommandAnswer(document=document, remarks=[*remarks, *updated.notes], warnings=warnings)


def present_assets(assets: Iterable[Asset], limit: int, console: Console) -> CommandAnswer:
    """A table of assets, up to ``limit`` of them (0: all), and a remark on how many were left out."""
    found = iter(assets)
    shown = list(islice(found, limit)) if limit else list(found)
    left = sum(1 for _ in found)
    rows = [
        (str(asset.version), asset.build, asset.target.short, _cpu(asset), asset.flavor, str(asset.options))
        for asset in shown
    ]
    heads = ("VERSION", "BUILD", "TARGET", "CPU", "FLAVOR", "OPTIONS")
    lines = table(rows, heads, console) if rows else []
    remarks = [f"{left} more; `--limit 0` shows all"] if left else []
    if not shown:
        remarks.append("no matching assets; use fewer filters, or run `provision catalog update` for newer builds")
    document = {"version": 1, "assets": [asset_document(asset) for asset in shown], "left-out": left}
    return CommandAnswer(lines=lines, document=document, remarks=remarks)


def present_asset(asset: Asset, console: Console) -> CommandAnswer:
    """All properties of an asset, one per line."""
    document = asset_document(asset)
    lines = [
        f"{console.paint(f'{name}:'.ljust(16), 'dim')}{printable(_text(value))}"
        for name, value in document.items()
        if value is not None
    ]
    return CommandAnswer(lines=lines, document={"version": 1, "asset": document})


def present_release(release: Release, console: Console) -> CommandAnswer:
    """What is known of a build, one property per line, and below it what its publisher says of it."""
    document: dict[str, object] = {
        "build": release.build,
        "published": release.published,
        "versions": list(release.versions),
        "assets": release.assets,
        "no-longer-listed": release.gone,
        "sources": list(release.sources),
        "complete": release.complete,
    }
    lines = [
        f"{console.paint(f'{name}:'.ljust(18), 'dim')}{printable(_text(value))}"
        for name, value in document.items()
        if value is not None
    ]
    if release.text:
        lines += ["", *(printable(line) for line in release.text.splitlines())]
    return CommandAnswer(lines=lines, document={"version": 1, "release": {**document, "text": release.text}})


def present_page(page: CatalogPage, output: Path | None) -> CommandAnswer:
    """The page itself, or where it was written."""
    document = {
        "version": 1,
        "date": page.date or None,
        "assets": page.assets,
        "builds": page.builds,
        "file" if output else "text": str(output) if output else page.text,
    }
    if output is None:
        return CommandAnswer(page=tuple(page.text.splitlines()), document=document)
    remark = f"wrote {output}: {plural(page.assets, 'asset')} of {plural(page.builds, 'build')}"
    return CommandAnswer(document=document, remarks=(remark,))


def asset_document(asset: Asset) -> dict[str, object]:
    """An asset as a JSON object."""
    return {
        "name": asset.filename,
        "implementation": asset.implementation,
        "version": str(asset.version),
        "build": asset.build,
        "target": str(asset.target),
        "cpu": asset.cpu,
        "build-options": list(asset.options),
        "flavor": asset.flavor,
        "url": asset.url,
        "sha256": str(asset.sha256),
        "size": asset.size,
        "published": asset.published,
    }


def _cpu(asset: Asset) -> str:
    return "" if asset.cpu == "baseline" else asset.cpu


def _text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
