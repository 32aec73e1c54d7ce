"""Owns the words of `catalog`; what it does, `workflows.cataloguing` knows."""

from typing import Annotated

import typer

from provision.cli.completion import complete_targets
from provision.cli.parameters import with_session
from provision.cli.session import Session

catalog = typer.Typer(help="Look up what exists upstream, or learn of newer builds.", no_args_is_help=True)


@catalog.command("update")
@with_session(transfer=True)
def catalog_update(
    session: Session,
    github: Annotated[
        bool, typer.Option("--github", help="Also read the releases from GitHub's API: sizes and times.")
    ] = False,
) -> int:
    """Fetch the list of all builds, so that `lock` knows those that came out after this release of provision.

    \b
    Examples:
      provision catalog update
      provision catalog update --github
    """
    from provision.cli.present.cataloguing import present_updated
    from provision.workflows.catalog import update

    return session.show(present_updated(update(session.options, session.progress(), github=github)))


@catalog.command("list")
@with_session()
def catalog_list(
    session: Session,
    request: Annotated[
        str | None, typer.Argument(help="A version request: 3.14, 3.14t, '>=3.12,<3.14', pypy3.11, …")
    ] = None,
    target: Annotated[
        list[str] | None,
        typer.Option(
            "--target", "-t", metavar="TARGET", autocompletion=complete_targets, help="For this platform (repeatable)."
        ),
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(metavar="OPTION", help="With this build option (repeatable): debug, freethreaded, …"),
    ] = None,
    flavor: Annotated[str | None, typer.Option(help="install_only_stripped, install_only or full.")] = None,
    build: Annotated[
        str | None, typer.Option(metavar="TAG", help="Of this build, or `latest` of each version.")
    ] = None,
    cpu: Annotated[str | None, typer.Option(metavar="LEVEL", help="baseline, v2, v3 or v4.")] = None,
    limit: Annotated[int, typer.Option(metavar="N", min=0, help="Show no more than N assets; 0 for all.")] = 50,
) -> int:
    """List the assets that fit, newest first.

    \b
    Examples:
      provision catalog list 3.14t --target linux-x86_64
      provision catalog list 3.13.5 --option debug --build latest
      provision catalog list pypy3.11 --json
    """
    from provision.cli.present.cataloguing import present_assets
    from provision.workflows.catalog import list_assets, parse_query

    wanted = parse_query(request, targets=target or (), options=option or (), flavor=flavor, build=build, cpu=cpu)
    return session.show(present_assets(list_assets(session.options, wanted), limit, session.console))


@catalog.command("show")
@with_session()
def catalog_show(session: Session, name: Annotated[str, typer.Argument(help="An asset's file name.")]) -> int:
    """Show all that is known of one asset.

    \b
    Example:
      provision catalog show cpython-3.14.0+20251010-x86_64-unknown-linux-gnu-install_only.tar.gz
    """
    from provision.cli.present.cataloguing import present_asset
    from provision.workflows.catalog import show_asset

    return session.show(present_asset(show_asset(session.options, name), session.console))
