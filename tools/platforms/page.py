"""`docs/platforms.md`: what is tested, written for and unknown, and where provision can be installed."""

from __future__ import annotations

from collections.abc import Iterator

from provision.model.target import KNOWN_TARGETS
from tools.platforms.installs import PURE_FROM_SOURCE, PYTHONS, Installs
from tools.platforms.results import ROOT, Results, Run, shown

PAGE = ROOT / "docs" / "platforms.md"

_INTRODUCTION = """\
# Platforms

The systems, processors and Pythons on which provision itself was tested. What it can lock and prepare (`--target`) does
not depend on the machine that it runs on.

<!-- Made by `python -m tools.platforms page` from tests/platforms.toml and tests/installs.toml. -->

- **tested**: the quick tests ran there, all of them.
- **tested in part**: some tests ran there, or they ran on an emulation of it. "What ran" says which, and what they do
  not show.
- **written for**: the code is meant to run on this system, and nothing was run on it.
- **unknown**: nothing was tried; provision may or may not run there.

| platform | state | what ran |
|---|---|---|
"""


_INSTALLS = """
## Where it installs

By platform and Python, as the package index had it on {day}.

- **wheels**: nothing is compiled.
- **source**: pip and uv build PyYAML from its source, without a compiler.
- **no** and a name: the dependency that has no wheel there.

On 32-bit ARM before Python 3.14, `.tar.zst` archives require the extra `zstd`, which is compiled; everything else works
without. isal makes gzip faster and nothing else; it is left out where it has no wheels, but for the free-threaded 3.13
and PyPy on musl, which package metadata cannot name.

"""


def platforms_page(results: Results, installs: Installs) -> str:
    """The whole page."""
    return _INTRODUCTION + "".join(_lines(results)) + "".join(_installs(installs))


def _installs(installs: Installs) -> Iterator[str]:
    if not installs.missing:
        return
    yield _INSTALLS.format(day=installs.day)
    yield f"| platform | {' | '.join(PYTHONS)} |\n|---|{'---|' * len(PYTHONS)}\n"
    for target, row in installs.missing.items():
        yield f"| `{target.short}` | {' | '.join(_cell(row[python]) for python in PYTHONS)} |\n"


def _cell(missing: tuple[str, ...]) -> str:
    if not missing:
        return "wheels"
    hard = [name for name in missing if name not in PURE_FROM_SOURCE]
    return f"no {', '.join(hard)}" if hard else "source"


def _lines(results: Results) -> Iterator[str]:
    for target in shown(KNOWN_TARGETS.values(), results):
        commands = sorted({f"`{run.command}`" for run in results.of(target)})
        yield f"| `{target.short}` | {results.state(target)} | {', '.join(commands)} |\n"
    if results.runs:
        yield "\n## What ran\n\n| platform | Python | command | passed | skipped | on |\n|---|---|---|---|---|---|\n"
    for run in results.runs:
        yield (
            f"| `{run.target.short}` | {run.python} | `{run.command}` | {run.passed} | {run.skipped} "
            f"| {run.machine or 'the platform itself'}, {run.day} |\n"
        )
    for run in results.runs:
        if run.remark or run.left_out:
            yield from _remarks(run)


def _remarks(run: Run) -> Iterator[str]:
    where = f", {run.machine}" if run.machine else ""
    yield f"\n### `{run.command}` on `{run.target.short}`{where}\n\n"
    if run.remark:
        yield f"{run.remark}\n"
    if run.left_out:
        yield "\nLeft out:\n\n"
        yield from (f"- {reason}\n" for reason in run.left_out)
