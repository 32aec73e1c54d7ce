"""Options shared by all commands, the scope of a plan, and the fetcher.

The environment is read here, once per run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from provision.errors import UsageError, did_you_mean
from provision.host.paths import base_homes, cache_home, data_home
from provision.host.variables import check_variables, read_flag, read_jitter, read_jobs
from provision.model.asset import CPU_LEVELS, CpuLevel
from provision.model.target import KNOWN_TARGETS, Target
from provision.model.value import frozen, replace

if TYPE_CHECKING:
    from provision.fetch.fetcher import Fetcher
    from provision.install.apply import InstallContext
    from provision.install.fetch_process import ArchiveSource
    from provision.protocols import Progress
    from provision.store.layout import Store
    from provision.unpack.writer import UnpackHelper


DEFAULT_JOBS = 4
ALL_TARGETS = "all"
_FALSE = frozenset({"", "0", "false", "no", "off"})


@frozen
class Options:
    """The settings of one run.

    ``bases`` are read-only stores. ``jobs`` is the most downloads or installations at once. ``jitter`` is the longest
    random wait before the first download, in seconds. ``shown_as`` is the name of the lock in messages if the checked
    files are copies.
    """

    environ: Mapping[str, str]
    home: Path
    cache: Path
    manifest: Path | None = None
    offline: bool = False
    mirrors: tuple[str, ...] = ()
    allow_hosts: tuple[str, ...] = ()
    jobs: int = DEFAULT_JOBS
    jitter: float = 0.0
    shown_as: Path | None = None
    bases: tuple[Path, ...] = ()

    @classmethod
    def of(
        cls,
        environ: Mapping[str, str],
        *,
        home: Path | None = None,
        cache: Path | None = None,
        manifest: Path | None = None,
        offline: bool = False,
        mirrors: tuple[str, ...] = (),
        allow_hosts: tuple[str, ...] = (),
        jobs: int | None = None,
    ) -> Options:
        """The options of the command line, with the variables ``PROVISION_*`` for those that are not given.

        Raises `UsageError` for a variable with an invalid value.
        """
        check_variables(environ)
        from_environ = environ.get("PROVISION_MANIFEST")
        other_mirrors = tuple(environ.get("PROVISION_MIRROR", "").split())
        other_hosts = tuple(environ.get("PROVISION_ALLOW_HOSTS", "").replace(",", " ").split())
        _check_mirrors({"--mirror": mirrors, "PROVISION_MIRROR": other_mirrors})
        _check_hosts({"--allow-host": allow_hosts, "PROVISION_ALLOW_HOSTS": other_hosts})
        own = home.absolute() if home else data_home(environ)
        return cls(
            environ=environ,
            home=own,
            bases=tuple(path for path in base_homes(environ) if path != own) if "PROVISION_STORES" in environ else (),
            cache=cache.absolute() if cache else cache_home(environ),
            manifest=manifest or (Path(from_environ) if from_environ else None),
            offline=offline or bool(read_flag(environ, "PROVISION_OFFLINE")),
            mirrors=mirrors or other_mirrors,
            allow_hosts=allow_hosts + other_hosts,
            jobs=jobs or read_jobs(environ) or DEFAULT_JOBS,
            jitter=read_jitter(environ) or 0.0,
        )

    @property
    def store(self) -> Store:
        """The store of ``home``, followed by the read-only ones."""
        from provision.store.layout import Store

        return Store(self.home, self.bases)

    def with_jitter(self, jitter: float | None) -> Options:
        """The same with what ``--jitter`` gives, if it was given; raises `UsageError` for what is no number."""
        if jitter is not None and jitter != jitter:  # noqa: PLR0124  (Typer's limits let "nan" pass)
            raise UsageError("--jitter: expected a number of seconds, got 'nan'")
        return self if jitter is None else replace(self, jitter=jitter)


# Not imported at the top: most runs name neither mirrors nor hosts.


def _check_mirrors(given: Mapping[str, tuple[str, ...]]) -> None:
    if any(given.values()):
        from provision.fetch.mirrors import parse_mirror

        _check_each(given, parse_mirror)


def _check_hosts(given: Mapping[str, tuple[str, ...]]) -> None:
    if any(given.values()):
        from provision.host_policy import HostRule

        _check_each(given, HostRule.parse)


def _check_each(given: Mapping[str, tuple[str, ...]], parse: Callable[[str], object]) -> None:
    """Raise `UsageError` for the first text that is refused, with the option or variable that has it."""
    for name, texts in given.items():
        for text in texts:
            try:
                parse(text)
            except UsageError as error:
                raise UsageError(f"{name}: {error.message}", hint=error.hint) from None


def in_ci(environ: Mapping[str, str]) -> bool:
    """Whether ``CI`` is set, and not to the empty text, ``0``, ``false``, ``no`` or ``off``."""
    return environ.get("CI", "").lower() not in _FALSE


@frozen
class Scope:
    """The entries and targets a plan is for. No names mean all entries; no targets mean this machine.

    ``cpu`` is the highest x86-64 level that machines of the named targets have. ``prune`` also removes the trees that
    no project needs.
    """

    names: tuple[str, ...] = ()
    targets: tuple[Target, ...] = ()
    all_targets: bool = False
    cpu: CpuLevel = "baseline"
    prune: bool = False

    @property
    def foreign(self) -> bool:
        """Whether targets are named, so that trees are installed but not linked."""
        return self.all_targets or bool(self.targets)


def parse_scope(names: Sequence[str], targets: Sequence[str], *, cpu: str = "baseline", prune: bool = False) -> Scope:
    """The scope that a command line gives; raises `UsageError` for unknown targets and levels."""
    if cpu not in CPU_LEVELS:
        raise UsageError(f"--cpu: expected one of {', '.join(CPU_LEVELS)}; got {cpu!r}")
    if cpu != "baseline" and not targets:
        raise UsageError(
            "`--cpu` requires `--target`; the CPU level of this machine is detected",
            hint="Set PROVISION_CPU to lower the detected level, or `cpu` in pythons.toml to request one.",
        )
    return Scope(
        names=tuple(dict.fromkeys(names)),
        targets=parse_targets(targets),
        all_targets=ALL_TARGETS in targets,
        cpu=cpu,
        prune=prune,
    )


def parse_targets(texts: Sequence[str]) -> tuple[Target, ...]:
    """The targets named by their short or long forms, each once; none for ``all``, even with others.

    Raises `UsageError` for a text that names none.
    """
    targets: list[Target] = []
    for text in texts:
        if text == ALL_TARGETS:
            continue
        try:
            targets.append(Target.parse(text))
        except ValueError as error:
            shorts = [target.short for target in KNOWN_TARGETS.values()]
            raise UsageError(
                f"--target: expected a target such as linux-x86_64, got {text!r}"
                f"{did_you_mean(text, [*shorts, *KNOWN_TARGETS], after='. ')}",
                hint=f"Known: {', '.join(sorted(shorts))}, and `all`.",
            ) from error
    return () if ALL_TARGETS in texts else tuple(dict.fromkeys(targets))


# Most commands neither download nor install: these modules are imported by those that do.


def open_fetcher(options: Options, progress: Progress, *, upstream: bool = True) -> Fetcher:
    """A fetcher with this run's mirrors, cache and limits; a context manager, which closes its connections.

    Without ``upstream`` archives come from the mirrors alone.
    """
    from provision.fetch.fetcher import Fetcher
    from provision.store.archives import ArchiveCache

    return Fetcher(
        ArchiveCache(options.cache),
        mirrors=options.mirrors,
        offline=options.offline,
        jobs=options.jobs,
        jitter=options.jitter,
        upstream=upstream,
        allow_hosts=options.allow_hosts,
        environ=options.environ,
        progress=progress,
    )


@contextmanager
def open_install_context(
    options: Options, store: Store, progress: Progress, *, installs: int = 0, missing: int = 0
) -> Iterator[InstallContext]:
    """What installing into a store needs; its fetcher is closed afterwards.

    ``missing`` is how many of the archives to install are not in the cache: if there are any, another process downloads
    them. It also helps to unpack the last one.
    """
    from provision.host.detect import find_host
    from provision.install.apply import InstallContext, import_make
    from provision.install.fetch_process import FetchesBeside, FetchProcess, take_early
    from provision.store.locks import lock_timeout

    with open_fetcher(options, progress) as fetcher, ExitStack() as stack:
        source: ArchiveSource = fetcher
        helper: Callable[[Path, int], UnpackHelper | None] | None = None
        if installs:
            process = take_early() or FetchProcess.start(options.environ)
            if process is not None:
                settings = {
                    "cache": str(options.cache),
                    "mirrors": options.mirrors,
                    "offline": options.offline,
                    "jobs": options.jobs,
                    "jitter": options.jitter,
                    "allow_hosts": options.allow_hosts,
                }
                stack.enter_context(process).prepare(settings, progress)
                single = installs == 1
                helper = process.helper
                source = FetchesBeside(fetcher, process, import_make if single else lambda: None, all_there=single)
        yield InstallContext(
            store=store,
            fetcher=source,
            host=find_host(),
            progress=progress,
            environ=options.environ,
            lock_timeout=lock_timeout(options.environ),
            helper=helper,
        )
