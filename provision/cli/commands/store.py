"""Owns the words of `prune` and `cache`; what they do, `workflows.cleaning` knows."""

from typing import Annotated

import typer

from provision.cli.parameters import with_session
from provision.cli.session import Session


@with_session()
def prune(
    session: Session,
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="Only say what would go.")] = False,
) -> int:
    """Remove the trees that no project needs any more.

    What killed runs left behind goes, too. A tree stays as long as one project's lock names it;
    projects whose folder is gone no longer count.

    \b
    Examples:
      provision prune --dry-run
      provision prune
    """
    from provision.cli.present.cleaning import present_pruned
    from provision.workflows.store import prune as clean

    return session.show(present_pruned(clean(session.options, dry_run=dry_run), dry_run=dry_run))


cache = typer.Typer(help="Look at the cache of verified archives, or empty it.", no_args_is_help=True)


@cache.command("dir")
@with_session()
def cache_dir_(session: Session) -> int:
    """Print where archives and refreshed catalogs are kept."""
    from provision.cli.present.cleaning import present_cache_dir

    return session.show(present_cache_dir(session.options.cache))


@cache.command("size")
@with_session()
def cache_size(session: Session) -> int:
    """Print how much the archives take."""
    from provision.cli.present.cleaning import present_cache_size
    from provision.workflows.store import cache_usage

    return session.show(present_cache_size(cache_usage(session.options)))


@cache.command("clean")
@with_session()
def cache_clean(
    session: Session,
    unused: Annotated[bool, typer.Option("--unused", help="Keep what this project's lock names.")] = False,
) -> int:
    """Remove the cached archives; installed trees do not need them.

    \b
    Examples:
      provision cache clean
      provision cache clean --unused
    """
    from provision.cli.present.cleaning import present_cache_clean
    from provision.workflows.store import cache_clean as clean

    return session.show(present_cache_clean(clean(session.options, unused=unused)))
