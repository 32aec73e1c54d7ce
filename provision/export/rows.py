"""`Row`, a locked archive of an entry; `Export`, a text in another tool's format.

Archives that a format cannot express are left out, each with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Hashable, Sequence

from provision.errors import ProvisionError
from provision.model.asset import Asset
from provision.model.value import frozen

TARGET = "target"
HEADER = "Written by `provision export {}` from a lock file. Do not edit it."


@frozen(kw_only=False)
class Row:
    """An archive that the lock file has for an entry."""

    entry: str
    asset: Asset

    @property
    def freethreaded(self) -> bool:
        return self.asset.options.freethreaded

    @property
    def label(self) -> str:
        """``free linux-x86_64 v3``, for messages."""
        return f"{self.entry} {self.asset.target.label(self.asset.cpu)}"


@frozen(kw_only=False)
class LeftOut:
    """A row that a format cannot express, and why."""

    row: Row
    reason: str


@frozen
class Export:
    """A text that ends with a line break, the rows in it, and the rows that are left out."""

    text: str
    rows: tuple[Row, ...]
    left_out: tuple[LeftOut, ...] = ()


@frozen
class Fitting:
    """The rows that a format can express, in their order, and the others."""

    rows: tuple[Row, ...]
    left_out: tuple[LeftOut, ...]

    def export(self, text: str) -> Export:
        return Export(text=text, rows=self.rows, left_out=self.left_out)

    def by_entry(self) -> dict[str, list[Row]]:
        """The rows of each entry, in the order of the entries."""
        found: dict[str, list[Row]] = {}
        for row in self.rows:
            found.setdefault(row.entry, []).append(row)
        return found


@frozen
class Place:
    """What a format can express.

    ``targets`` are those it has a name for, in their short form. ``key`` returns equal values for rows that the format
    cannot distinguish: only the first of these is kept, and an equal archive of another entry needs no second row.
    ``url`` says what is wrong with a URL.
    """

    targets: Container[str]
    key: Callable[[Row], Hashable]
    cpu: bool = False
    full: bool = False
    debug: bool = False
    freethreaded: bool = True
    implementations: Container[str] = ("cpython",)
    url: Callable[[str], str] = lambda _: ""

    def fit(self, style: str, rows: Sequence[Row]) -> Fitting:
        """The rows that the format can express; raises `ProvisionError` if there are none."""
        kept: dict[Hashable, Row] = {}
        left_out: list[LeftOut] = []
        for row in rows:
            reason = self._refusal(row.asset)
            if not reason:
                first = kept.setdefault(self.key(row), row)
                if first.asset.sha256 == row.asset.sha256:
                    continue
                reason = f"same key as {first.label}"
            left_out.append(LeftOut(row, reason))
        if not kept:
            raise nothing_left(style, left_out)
        return Fitting(rows=tuple(kept.values()), left_out=tuple(left_out))

    def _refusal(self, asset: Asset) -> str:
        """Why the format cannot express an asset; empty if it can."""
        refusals = (
            (asset.implementation not in self.implementations, "implementation"),
            (asset.target.short not in self.targets, TARGET),
            (asset.cpu != "baseline" and not self.cpu, "CPU level"),
            (asset.options.debug and not self.debug, "debug build"),
            (asset.options.freethreaded and not self.freethreaded, "free-threaded build"),
            (asset.flavor == "full" and not self.full, "full archive"),
        )
        return next((reason for refused, reason in refusals if refused), "") or self.url(asset.url)


def nothing_left(style: str, left_out: Sequence[LeftOut]) -> ProvisionError:
    """The error of a format that can express none of the rows."""
    found = f": it cannot hold {describe(left_out)}" if left_out else ""
    return ProvisionError(
        f"nothing to export in the format {style}{found}",
        hint="Name other entries, or pass another format or `--target`.",
    )


def describe(left_out: Sequence[LeftOut], kept: Sequence[Row] = ()) -> str:
    """``linux-x86_64-musl (target); fast linux-x86_64 v3 (CPU level); debug (debug build)``, on one line.

    Targets are listed without their entries, and an entry without a row in ``kept`` without its targets.
    """
    entries = {row.entry for row in kept}
    reasons: dict[str, dict[str, None]] = {}
    for each in left_out:
        row = each.row
        whole = row.label if row.entry in entries else row.entry
        reasons.setdefault(each.reason, {})[row.asset.target.short if each.reason == TARGET else whole] = None
    return "; ".join(f"{', '.join(names)} ({reason})" for reason, names in reasons.items())
