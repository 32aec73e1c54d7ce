"""The package under test: in a checkout beside the tests, and where the tests run from an sdist in site-packages."""

from __future__ import annotations

from pathlib import Path

import provision

PACKAGE = Path(provision.__file__).resolve().parent
# What a process that has no site-packages is given as PYTHONPATH.
IMPORTED_FROM = PACKAGE.parent
