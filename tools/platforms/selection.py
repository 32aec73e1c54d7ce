"""A plugin of pytest: which tests run on another platform, which are left out and why, and one share of several.

PLATFORM_TESTS names a TOML file: ``rooms``, the folders and files that run, and ``[[left-out]]`` tables with a
``reason`` and the ``tests`` that it applies to, as ``tests/store/test_links.py::test_name`` or a whole file.
PLATFORM_SHARE is ``1/2`` for the first of two processes that share the files.
"""

from __future__ import annotations

import os
import tomllib
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from zlib import crc32

import pytest

from provision.text import plural


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What a file says; ``reasons`` by test, or by file."""

    rooms: tuple[str, ...]
    reasons: dict[str, str]

    @classmethod
    @cache
    def load(cls, path: Path) -> Selection:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
        reasons: dict[str, str] = {}
        for table in document.get("left-out", ()):
            for test in table["tests"]:
                if test in reasons:
                    raise ValueError(f"{path}: {test} is left out twice")
                reasons[test] = table["reason"]
        return cls(rooms=tuple(document["rooms"]), reasons=reasons)

    def summary(self) -> list[str]:
        """Each reason, and what it applies to: ``3 tests: no git``, ``1 whole file: no git``."""
        counts = Counter((reason, "test" if "::" in test else "whole file") for test, reason in self.reasons.items())
        return [f"{plural(count, noun)}: {reason}" for (reason, noun), count in counts.items()]

    def reason(self, node: str) -> str | None:
        """Why a test is left out, by its node id; None if it runs."""
        test = node.partition("[")[0]
        return self.reasons.get(test) or self.reasons.get(test.partition("::")[0])


_COUNTS: Counter[str] = Counter()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Files that are left out whole are not even imported."""
    selection = Selection.load(Path(os.environ["PLATFORM_TESTS"]))
    if not collection_path.is_relative_to(config.rootpath):
        return None
    path = collection_path.relative_to(config.rootpath).as_posix()
    if path in selection.reasons:
        _COUNTS[f"{selection.reasons[path]} (whole files)"] += 1
        return True
    return True if collection_path.name.startswith("test_") and not _is_in_share(path) else None


def _is_in_share(path: str) -> bool:
    """Whether this process runs a file."""
    share, _, of = os.environ.get("PLATFORM_SHARE", "1/1").partition("/")
    return crc32(path.encode()) % int(of) == int(share) - 1


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    selection = Selection.load(Path(os.environ["PLATFORM_TESTS"]))
    kept: list[pytest.Item] = []
    left: list[pytest.Item] = []
    for item in items:
        node = item.nodeid.replace("\\", "/")
        if not _is_in_share(node.partition("::")[0]):
            continue  # files that were named are collected in each process
        reason = selection.reason(node)
        if reason:
            _COUNTS[reason] += 1
        (left if reason else kept).append(item)
    items[:] = kept
    config.hook.pytest_deselected(items=left)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for reason, count in _COUNTS.most_common():
        terminalreporter.write_line(f"left out: {count}: {reason}")
