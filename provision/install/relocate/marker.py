"""Owns PEP 668's `EXTERNALLY-MANAGED`: its text and whether a tree has it."""

from __future__ import annotations

NAME = "EXTERNALLY-MANAGED"

TEXT = """\
[externally-managed]
Error=This Python was installed by provision and is shared by every project that
 locks it; packages do not belong into it.

 To install packages, create a virtual environment with it:

     python -m venv .venv

 To get an installation of which this is not so, for an image of one's own, set
 `externally-managed = false` for it in pythons.toml.
"""
