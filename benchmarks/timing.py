"""Whole processes, run alternately: wall time, processor time, peak memory."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from provision.model.value import frozen

# Between two checks of a process, in seconds.
_LOOK = 0.002

_OPEN_AND_CLOSE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC


@frozen
class Command:
    """A process to start: its arguments, directory and environment."""

    argv: tuple[str, ...]
    cwd: Path
    environ: Mapping[str, str]


@frozen
class Taken:
    """What one process took: wall time and processor time in seconds, and peak memory in MB."""

    wall: float
    cpu: float
    memory: float


@frozen
class Samples:
    """The measurements of the counted runs of one command."""

    runs: tuple[Taken, ...]

    @property
    def wall(self) -> float:
        """The median, in seconds."""
        return statistics.median(run.wall for run in self.runs)

    @property
    def spread(self) -> tuple[float, float]:
        """The least and the most, in seconds."""
        walls = [run.wall for run in self.runs]
        return min(walls), max(walls)

    @property
    def cpu(self) -> float:
        """The median, in seconds."""
        return statistics.median(run.cpu for run in self.runs)

    @property
    def memory(self) -> float:
        """The most of any run, in MB."""
        return max(run.memory for run in self.runs)


Prepare = Callable[[int], Command]


def interleaved(
    contenders: Mapping[str, Prepare], runs: int, *, settle: bool = False, warm_up: bool = True
) -> dict[str, Samples]:
    """Run all contenders in turn, A B A B, once for ``warm_up`` and then ``runs`` times.

    Each prepares its next command, in separate directories, before the clock starts. With ``settle``, the data that
    earlier runs have written is flushed to disk before the next run starts.
    """
    taken: dict[str, list[Taken]] = {name: [] for name in contenders}
    for number in range(0 if warm_up else 1, runs + 1):
        for name, prepare in contenders.items():
            command = prepare(number)
            if settle:
                os.sync()
            one = run(command)
            if number:
                taken[name].append(one)
    return {name: Samples(runs=tuple(all_of)) for name, all_of in taken.items()}


def run(command: Command, *, expect: Sequence[int] = (0,), watch: bool = False) -> Taken:
    """Run one process to its end, with its output in ``output`` next to its directory; fail unless it succeeds.

    With ``watch``, the memory is sampled continuously and includes that of all processes that it forks; otherwise it is
    only that of the process itself.
    """
    log = command.cwd.parent / f"{command.cwd.name}.output"
    null = os.open(os.devnull, os.O_RDONLY)
    output = os.open(log, _OPEN_AND_CLOSE, 0o644)
    here = Path.cwd()
    os.chdir(command.cwd)
    try:
        actions = [(os.POSIX_SPAWN_DUP2, null, 0), (os.POSIX_SPAWN_DUP2, output, 1), (os.POSIX_SPAWN_DUP2, output, 2)]
        start = time.perf_counter()
        process = os.posix_spawn(command.argv[0], command.argv, dict(command.environ), file_actions=actions)
        together = _watch(process) if watch else 0.0
        _, status, usage = os.wait4(process, 0)
        wall = time.perf_counter() - start
    finally:
        os.chdir(here)
        os.close(null)
        os.close(output)
    code = os.waitstatus_to_exitcode(status)
    if code not in expect:
        raise SystemExit(f"{' '.join(command.argv)} ended with {code}:\n{log.read_text(errors='replace')[-2000:]}")
    return Taken(wall=wall, cpu=usage.ru_utime + usage.ru_stime, memory=max(usage.ru_maxrss * 1024 / 1e6, together))


def _watch(process: int) -> float:
    """The peak memory of a process and its descendants together, in MB, until the process ends.

    Pages that several of them share count once, divided between them (PSS).
    """
    most = 0.0
    while os.waitid(os.P_PID, process, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        most = max(most, sum(map(_memory, _family(process))))
        time.sleep(_LOOK)
    return most


def _family(process: int) -> Iterator[int]:
    yield process
    for children in Path("/proc", str(process), "task").glob("*/children"):
        with suppress(OSError):
            for child in children.read_text().split():
                yield from _family(int(child))


def _memory(process: int) -> float:
    with suppress(OSError):
        for line in Path("/proc", str(process), "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024 / 1e6
    return 0.0
