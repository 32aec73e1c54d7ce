"""Owns the policy of an audit as a value; `manifest.fields` knows which keys it has and what they take."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from provision.model.value import frozen


@frozen
class Policy:
    """What a lock must keep to. ``cooldown`` is in seconds; a permission that is None was neither given nor refused.

    ``source`` says where the policy stands; it is empty where there is none. ``ignore`` has codes with their reasons.
    """

    source: str = ""
    allow_hosts: tuple[str, ...] = ()
    cooldown: int = 0
    allow_prereleases: bool | None = None
    allow_end_of_life: bool | None = None
    ignore: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, table: Mapping[str, Any], source: str = "") -> Policy:
        """The policy that a checked and normalised ``[policy]`` table says."""
        return cls(
            source=source,
            allow_hosts=tuple(table.get("allow-hosts", ())),
            cooldown=table.get("cooldown", 0),
            allow_prereleases=table.get("allow-prereleases"),
            allow_end_of_life=table.get("allow-end-of-life"),
            ignore=tuple((each["code"], each["reason"]) for each in table.get("ignore", ())),
        )


def read_policy(path: Path) -> Policy:
    """Read a file that has a ``[policy]`` table, a manifest even; the rest of it does not count.

    Raises `ManifestError`, or all of them at once, where the table is missing or wrong.
    """
    from provision.errors import ManifestError, Place
    from provision.manifest.fields import POLICY
    from provision.manifest.problems import Problems
    from provision.manifest.reading import read_text
    from provision.manifest.syntax import load

    text = read_text(path)
    data = load(text, str(path))
    if "policy" not in data:
        hint = 'Begin it with a line [policy], and below it, say: cooldown = "1 week"'
        raise ManifestError("there is no [policy] table", place=Place(str(path)), hint=hint)
    problems = Problems()
    table = POLICY.read(data["policy"], ("policy",), problems) or {}
    problems.raise_all(str(path), text)
    return Policy.of(table, str(path))
