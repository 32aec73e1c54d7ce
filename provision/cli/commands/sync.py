"""The command lines of `plan` and `sync`."""

from pathlib import Path
from typing import Annotated

import typer

from provision.cli.candidates import complete_any_target, complete_names, complete_values
from provision.cli.parameters import Names, with_session
from provision.cli.plain import is_plan_file
from provision.cli.session import Session
from provision.errors import UsageError
from provision.host.variables import LONGEST_JITTER
from provision.model.asset import CPU_LEVELS

Targets = Annotated[
    list[str] | None,
    typer.Option(
        "--target",
        "-t",
        metavar="TARGET",
        autocompletion=complete_any_target,
        help="For this target instead of this machine (repeatable; `all` for every locked target).",
    ),
]
Cpu = Annotated[
    str,
    typer.Option(
        metavar="LEVEL",
        autocompletion=complete_values(*CPU_LEVELS),
        help="With --target: the highest CPU level of those machines, up to v4.",
    ),
]
Prune = Annotated[bool, typer.Option("--prune", help="Also remove trees that no project uses.")]
Locked = Annotated[
    bool | None,
    typer.Option(
        "--locked/--no-locked",
        show_default=False,
        help="Fail with exit 4 instead of writing the lock file. The default where CI is set.  "
        "[env var: PROVISION_LOCKED]",
    ),
]
Bundles = Annotated[
    list[Path] | None,
    typer.Option(
        "--bundle",
        metavar="PATH",
        help="Take archives from this bundle, a directory or a tar file, and use no network (repeatable).",
    ),
]
Frozen = Annotated[bool, typer.Option("--frozen", help="Use the lock file without comparing it with pythons.toml.")]

Jitter = Annotated[
    float | None,
    typer.Option(
        metavar="SECONDS",
        min=0.0,
        max=LONGEST_JITTER,
        show_default=False,
        help="Longest random wait before the first download, for many machines that start at once.  "
        "[env var: PROVISION_JITTER]",
    ),
]
Trace = Annotated[
    Path | None,
    typer.Option("--trace", metavar="FILE", help="Write how long each step took, for Perfetto or chrome://tracing."),
]


@with_session()
def plan(
    session: Session,
    names: Names = None,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit 3 if anything would change.")] = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Save the plan to this file, for `provision sync FILE`."),
    ] = None,
    frozen: Frozen = False,
    prune: Prune = False,
    target: Targets = None,
    cpu: Cpu = "baseline",
) -> int:
    """Show what sync would do and download.

    \b
    Examples:
      provision plan
      provision plan --exit-code             exit 3 if anything would change
      provision plan -o today.plan           save it for `provision sync today.plan`
    """
    from provision.cli.present.sync import present_planned
    from provision.workflows.options import parse_scope
    from provision.workflows.plan import plan as make_plan
    from provision.workflows.plan import save_plan

    scope = parse_scope(tuple(names or ()), tuple(target or ()), cpu=cpu, prune=prune)
    planned = make_plan(session.options, scope, frozen=frozen)
    if output is not None:
        save_plan(output, planned)
    return session.show(present_planned(planned, session.console, exit_code=exit_code))


@with_session(transfer=True)
def sync(
    session: Session,
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME...|PLANFILE",
            autocompletion=complete_names,
            help="Entries of pythons.toml, or one file that `plan -o` saved.",
        ),
    ] = None,
    locked: Locked = None,
    frozen: Frozen = False,
    prune: Prune = False,
    target: Targets = None,
    cpu: Cpu = "baseline",
    jitter: Jitter = None,
    bundle: Bundles = None,
    trace: Trace = None,
) -> int:
    """Install what the lock file lists.

    Locks first if the lock file is missing or out of date, then downloads missing archives, verifies them before
    unpacking, and installs each tree at a path derived from the lock file. A second run changes nothing.

    \b
    Examples:
      provision sync                            all of pythons.toml
      provision sync free debug                 two of its entries
      provision sync --locked                   never write the lock file (exit 4 if out of date)
      provision sync --target linux-aarch64     trees for other machines, for images and bundles
      provision sync today.plan                 exactly what was reviewed
      provision sync --jitter 30                on many machines that start at once
      provision sync --bundle pythons.tar       without a network (see `provision bundle`)
      provision sync --trace sync.json          how long each step took
    """
    from provision.cli.present.sync import present_synced
    from provision.cli.recording import Recorder, traced
    from provision.workflows.options import parse_scope
    from provision.workflows.sync import sync as run_sync
    from provision.workflows.sync import sync_saved

    if frozen and locked:
        raise UsageError("`--frozen` cannot be combined with `--locked`")
    given = tuple(names or ())
    recorder, options = Recorder(session.progress()), session.options.with_jitter(jitter)
    with traced(recorder, "sync", trace):
        if len(given) == 1 and is_plan_file(given[0]):
            if target or prune or locked is not None or frozen or bundle or cpu != "baseline":
                raise UsageError("a saved plan cannot be combined with other options or names")
            synced = sync_saved(options, Path(given[0]), recorder)
            return session.show(present_synced(synced, session.console, recorder.measures))
        scope = parse_scope(given, tuple(target or ()), cpu=cpu, prune=prune)
        if bundle:
            from provision.cli.commands.bundle import present_synced_from_bundle
            from provision.workflows.bundle import sync_bundles

            if locked is False:
                raise UsageError("`--bundle` cannot be combined with `--no-locked`")
            done = sync_bundles(options, scope, bundle, recorder, frozen=frozen)
            return session.show(present_synced_from_bundle(done, session.console, recorder.measures))
        synced = run_sync(options, scope, recorder, locked=locked, frozen=frozen)
    return session.show(present_synced(synced, session.console, recorder.measures))
