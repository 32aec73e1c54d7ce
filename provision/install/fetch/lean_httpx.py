"""Owns httpx as we import it: without the command line that it brings along, which doubles the time it takes."""

from __future__ import annotations

import sys

if "httpx" not in sys.modules:
    # httpx itself goes on without its `_main` where click or rich are missing.
    sys.modules["httpx._main"] = None  # type: ignore[assignment]
    try:
        import httpx
    finally:
        del sys.modules["httpx._main"]
else:
    import httpx

__all__ = ["httpx"]
