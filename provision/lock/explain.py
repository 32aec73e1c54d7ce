"""Owns saying why an entry is locked as it is: what was asked, what fitted, what was preferred, what is newer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from provision.catalog.index import Catalog
from provision.errors import ResolutionError, SeveralErrors
from provision.lock.candidates import Offers, Wish, wish_of
from provision.lock.cautions import cautions
from provision.lock.document import LockedPython
from provision.lock.funnel import Step, funnel
from provision.lock.phrases import implementation_title, listed, subject, targets_listed, variant
from provision.lock.preference import flavors
from provision.lock.resolve import answer
from provision.manifest.document import Request
from provision.model.target import Target

EXPLANATION_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why an entry has the assets it has. ``locked`` tells whether ``python`` is locked, or only would be.

    Each of ``reasons``, ``newer`` and ``warnings`` is a sentence without a full stop.
    """

    name: str
    asked: str
    locked: bool
    python: LockedPython
    steps: tuple[Step, ...]
    reasons: tuple[str, ...]
    newer: tuple[str, ...]
    warnings: tuple[str, ...]
