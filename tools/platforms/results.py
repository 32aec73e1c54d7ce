"""`Run`: one recorded run of tests on a platform; `Results`: all of them, as `tests/platforms.toml` has them."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Literal
from xml.etree import ElementTree

from provision.model.target import KNOWN_TARGETS, Target
from provision.model.value import frozen

ROOT = Path(__file__).resolve().parent.parent.parent
RESULTS = ROOT / "tests" / "platforms.toml"

# tested: the quick tests ran whole, on that system. In part: some of them, or on an emulation of it.
State = Literal["tested", "tested in part", "written for", "unknown"]
Scope = Literal["whole", "part"]

# The classifiers of the systems, and the targets of which one has to be tested.
SYSTEMS = {
    "macos": "Operating System :: MacOS",
    "windows": "Operating System :: Microsoft :: Windows",
    "linux": "Operating System :: POSIX :: Linux",
}


@frozen
class Run:
    """Tests that passed on a platform.

    ``machine`` is what they ran on, where that is not the platform itself or says more than it: an emulator, a runner.
    ``left_out`` has what did not run, each with its reason; ``remark`` what the run proves, and what not.
    """

    target: Target
    command: str
    python: str
    scope: Scope
    passed: int
    skipped: int
    day: date
    machine: str = ""
    left_out: tuple[str, ...] = ()
    remark: str = ""

    @classmethod
    def read(cls, table: dict[str, Any]) -> Run:
        """Of a table of the file; raises `KeyError` and `ValueError`."""
        return cls(
            target=Target.parse(table["target"]),
            command=table["command"],
            python=table["python"],
            scope=_scope(table["scope"]),
            passed=table["passed"],
            skipped=table["skipped"],
            day=table["day"],
            machine=table.get("machine", ""),
            left_out=tuple(table.get("left-out", ())),
            remark=table.get("remark", ""),
        )

    def table(self) -> dict[str, object]:
        """As the file has it, without what is empty."""
        table = {
            "target": self.target.short,
            "command": self.command,
            "python": self.python,
            "scope": self.scope,
            "passed": self.passed,
            "skipped": self.skipped,
            "day": self.day,
            "machine": self.machine,
            "left-out": list(self.left_out),
            "remark": self.remark,
        }
        return {key: value for key, value in table.items() if value not in ("", [])}


def _scope(text: str) -> Scope:
    if text not in ("whole", "part"):
        raise ValueError(f"scope: expected whole or part, got {text!r}")
    return "whole" if text == "whole" else "part"


@frozen
class Results:
    """What ran where, and the targets that the code is written for."""

    runs: tuple[Run, ...]
    written_for: frozenset[Target]

    @classmethod
    def load(cls, path: Path = RESULTS) -> Results:
        return cls.of_text(path.read_text(encoding="utf-8"))

    @classmethod
    def of_text(cls, text: str) -> Results:
        document = tomllib.loads(text)
        return cls(
            runs=tuple(Run.read(table) for table in document.get("run", ())),
            written_for=frozenset(map(Target.parse, document["written-for"])),
        )

    def of(self, target: Target) -> tuple[Run, ...]:
        return tuple(run for run in self.runs if run.target == target)

    def state(self, target: Target) -> State:
        scopes = {run.scope for run in self.of(target)}
        if "whole" in scopes:
            return "tested"
        if scopes:
            return "tested in part"
        return "written for" if target in self.written_for else "unknown"

    def classifiers(self) -> list[str]:
        """The systems of which a target is tested, as pyproject.toml is to claim them."""
        tested = {target.os for target in KNOWN_TARGETS.values() if self.state(target) == "tested"}
        return sorted(SYSTEMS[system] for system in tested)


def count(reports: Iterable[Path]) -> tuple[int, int]:
    """How many tests passed and were skipped by JUnit reports of pytest; raises `ValueError` if any failed."""
    passed = skipped = failed = 0
    for suite in _suites(reports):
        total, left, bad = (sum(int(suite.get(name, 0)) for name in names) for names in _COUNTED)
        passed, skipped, failed = passed + total - left - bad, skipped + left, failed + bad
    if failed or not passed:
        raise ValueError(f"{passed} tests passed and {failed} failed; only runs that pass are recorded")
    return passed, skipped


_COUNTED = (("tests",), ("skipped",), ("failures", "errors"))


def _suites(reports: Iterable[Path]) -> Iterator[ElementTree.Element]:
    for report in reports:
        yield from ElementTree.parse(report).iter("testsuite")


def merge(text: str, runs: Iterable[Run]) -> str:
    """The text of the file with the runs of other such files, of which some have runs that were repeated since."""
    for run in sorted(runs, key=lambda run: run.day):
        kept = Results.of_text(text).runs
        if all(run.day >= other.day for other in kept if _place(other) == _place(run)):
            text = record(text, run)
    return text


def record(text: str, run: Run) -> str:
    """The text of the file with a run in place of an earlier one of the same command, target, machine and Python."""
    import tomlkit

    document = tomlkit.parse(text)
    kept = [table for table in document.get("run", []) if _place(Run.read(table)) != _place(run)]
    runs = tomlkit.aot()
    for table in sorted([*(dict(table) for table in kept), run.table()], key=_order):
        item = tomlkit.table()
        item.update(table)
        runs.append(item)
    document["run"] = runs
    return tomlkit.dumps(document)


def _place(run: Run) -> tuple[str, ...]:
    return (str(run.target), run.command, run.machine, ".".join(run.python.split(".")[:2]))


def _order(table: dict[str, Any]) -> tuple[Any, ...]:
    return _place(Run.read(table))


def shown(targets: Iterable[Target], results: Results) -> Sequence[Target]:
    """Targets in the order of the page: what is tested first."""
    states: tuple[State, ...] = ("tested", "tested in part", "written for", "unknown")
    return sorted(targets, key=lambda target: (states.index(results.state(target)), target.short))
