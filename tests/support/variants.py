"""Variants of one test: a few of them are quick tests, the others run with the slow ones, and so in CI."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def variants(values: Iterable[Any], *, quick: Iterable[Any]) -> list[Any]:
    """Parameters for ``pytest.mark.parametrize``: those that are not ``quick`` are marked slow."""
    chosen = list(quick)
    return [value if value in chosen else pytest.param(value, marks=pytest.mark.slow) for value in values]
