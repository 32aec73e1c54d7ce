"""Owns how messages name what was asked for and what exists; which message is due, `refusal` and `search` decide."""

from __future__ import annotations

from collections.abc import Iterable

from provision.lock.answers import OptionFilter
from provision.manifest.manifest import Request
from provision.model.asset import CPU_LEVELS, BuildOptions, CpuLevel
from provision.model.target import Target
from provision.model.version import Version

_TITLES = {"cpython": "CPython", "pypy": "PyPy", "graalpy": "GraalPy"}


def implementation_title(name: str) -> str:
    """``PyPy`` for ``pypy``."""
    return _TITLES.get(name, name)


def sentence(request: Request, message: str) -> str:
    """The message, with the entry's name in front where no place in a file names it."""
    return message if request.place else f"{request.name}: {message}"


def subject(request: Request) -> str:
    """``CPython 3.14`` or ``CPython 3.12.11 of build 20250818``: what was asked for, without its variant."""
    build = f" of build {request.build}" if request.build else ""
    return f"{implementation_title(request.implementation)} {request.version}{build}"


def variant(request: Request, cpu: CpuLevel = "baseline") -> str:
    """``v3 free-threaded debug full``: what was asked for beyond the version; empty where nothing was."""
    wanted = OptionFilter.of(request)
    words = (
        cpu if cpu != "baseline" else "",
        "free-threaded" * wanted.freethreaded,
        "debug" * wanted.debug,
        str(BuildOptions(wanted.optimisations or frozenset())),
        "static" * wanted.static,
        "shared" * wanted.shared,
        request.flavor or "",
    )
    return " ".join(word for word in words if word)


def listed(words: Iterable[str], *, most: int = 12) -> str:
    """``a, b, c``; beyond ``most`` ``a, b and 7 more``."""
    every = list(words)
    if len(every) <= most + 1:
        return ", ".join(every)
    return f"{', '.join(every[:most])} and {len(every) - most} more"


def targets_listed(targets: Iterable[Target]) -> str:
    """Short forms, sorted."""
    return listed(sorted({target.short for target in targets}))


def levels_listed(levels: Iterable[CpuLevel]) -> str:
    """Levels in ascending order."""
    return listed(sorted(set(levels), key=CPU_LEVELS.index))


def options_listed(options: Iterable[BuildOptions]) -> str:
    """Sets of options, those of fewer words first."""
    texts = {str(each) or "none" for each in options}
    return listed(sorted(texts, key=lambda text: (text.count("+"), text)))


def series_listed(versions: Iterable[Version]) -> str:
    """``3.8, 3.10 to 3.14``: the series of versions, runs drawn together."""
    runs: list[list[tuple[int, int]]] = []
    for series in sorted({(version.major, version.minor) for version in versions}):
        if runs and runs[-1][-1] == (series[0], series[1] - 1):
            runs[-1].append(series)
        else:
            runs.append([series])
    return listed(_run(run) for run in runs)


def _run(run: list[tuple[int, int]]) -> str:
    words = [f"{major}.{minor}" for major, minor in run]
    return f"{words[0]} to {words[-1]}" if len(words) > 2 else ", ".join(words)
