"""Runs first in `provision.pyz`, and refuses a Python for which its compiled modules were not made."""

import sys
from importlib.machinery import EXTENSION_SUFFIXES

# shiv's start-up code sets `site_packages`.
found = {path.name for path in site_packages.glob("pydantic_core/_pydantic_core.*")} - {"_pydantic_core.pyi"}  # type: ignore[name-defined]  # noqa: F821
if not found & {f"_pydantic_core{suffix}" for suffix in EXTENSION_SUFFIXES}:
    this = f"{sys.implementation.name} {sys.version_info.major}.{sys.version_info.minor}"
    sys.exit(f"error: this file was made for another Python or platform: it has {', '.join(found)}; this is {this}")
