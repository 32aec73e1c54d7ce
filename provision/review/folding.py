"""The worst advisories of a long list, and words for the others.

One old interpreter has more than a hundred. What programs read lists all of them, and so does a page with a filter.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import TypeVar

from provision.manifest.keys import ADVISORY_SEVERITIES, AdvisorySeverity
from provision.text import plural

UNFOLDED_ADVISORIES = 10  # of one entry

T = TypeVar("T")


def badness(severity: AdvisorySeverity) -> int:
    """By which the worst is sorted first; an unknown severity is the last."""
    return -ADVISORY_SEVERITIES.index(severity)


def fold_advisories(
    found: Sequence[T], severity: Callable[[T], AdvisorySeverity], *, whole: bool = False
) -> tuple[list[T], list[T], str]:
    """The worst of them, the others, and words for these: ``103 more advisories (23 high, 80 low)``, or nothing.

    A single one is not folded, as the words take its line; with ``whole``, nothing is.
    """
    worst = sorted(found, key=lambda each: badness(severity(each)))
    if whole or len(worst) <= UNFOLDED_ADVISORIES + 1:
        return worst, [], ""
    others = worst[UNFOLDED_ADVISORIES:]
    counts = Counter(map(severity, others))
    words = ", ".join(f"{counts[each]} {each}" for each in reversed(ADVISORY_SEVERITIES) if counts[each])
    return worst[:UNFOLDED_ADVISORIES], others, f"{plural(len(others), 'more advisory', 'more advisories')} ({words})"
