"""Counts of what tests did, for the figures of docs/reliability.md, so that anyone can count again.

``PROVISION_TEST_TALLY=FILE pytest …`` appends to the file; ``python -m tests.support.tally FILE`` adds up.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from pathlib import Path

VARIABLE = "PROVISION_TEST_TALLY"


def count(what: str, number: int = 1) -> None:
    """Record that something was done so often; costs nothing without the variable."""
    path = os.environ.get(VARIABLE)
    if path:
        # One write below the size of a pipe's buffer: lines of several processes do not mix.
        with Path(path).open("a") as file:
            file.write(f"{number}\t{what}\n")


def sums(text: str) -> Counter[str]:
    """All counts, added up by their names."""
    totals: Counter[str] = Counter()
    for line in text.splitlines():
        number, _, what = line.partition("\t")
        totals[what] += int(number)
    return totals


def main() -> None:
    for what, number in sorted(sums(Path(sys.argv[1]).read_text()).items()):
        print(f"{number:8}  {what}")  # noqa: T201  (that is what it is for)


if __name__ == "__main__":
    main()
