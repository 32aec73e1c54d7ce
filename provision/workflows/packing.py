"""Owns `pack`: an archive of a CPython at hand, and its row in `catalog.ndjson` beside it."""

from __future__ import annotations
