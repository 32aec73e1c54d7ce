"""Owns the list of all rows, in the order of the table."""

from __future__ import annotations

from benchmarks import growth, memory, starting, syncing, verifying

ROWS = (*starting.ROWS, *syncing.ROWS, *verifying.ROWS, *memory.ROWS, *growth.ROWS)
