"""Owns the wire model of a saved plan: a file may come from anyone, so its shape is checked before it is believed."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class SavedWanted(BaseModel):
    """What the plan was made for, as `plan`'s own options say it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    names: list[str]
    targets: list[str]
    cpu: str
    prune: bool


class SavedPlan(BaseModel):
    """The whole file; ``plan`` is only ever compared, never carried out."""

    model_config = ConfigDict(extra="forbid", strict=True)

    version: Literal[1] = Field(alias="provision-plan")
    wanted: SavedWanted
    plan: dict[str, object]
