"""The command line of the tool: ``python -m tools.snapshot --as-of TIME FILE...``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from provision.catalog.snapshot import BUNDLED
from provision.cli.console import Console
from provision.errors import ProvisionError
from provision.workflows.project import write_bytes
from tools.snapshot.build import build_snapshot

_DESCRIPTION = """\
Merge catalogs of Python builds into the snapshot that a release of provision brings along.
The same files give the same bytes, whatever their order."""

_FORMATS = """\
Each file is recognised by its content, and may be zstd-compressed:
  python-build-standalone's NDJSON (a version and build a line)
  a page of the releases from GitHub's API
  hashes by release tag and asset name
  uv's download metadata, or a wheel of uv that has it inside
  pbs-installer's versions
  a snapshot made earlier, to add to it

example:
  python -m tools.snapshot --as-of 2026-10-25T00:00:00Z provision/catalog/data/snapshot.bin versions.ndjson.zst"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the snapshot that the command line describes; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.snapshot",
        description=_DESCRIPTION,
        epilog=_FORMATS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("sources", nargs="+", type=Path, metavar="FILE", help="what to merge")
    parser.add_argument("--as-of", required=True, metavar="TIME", help="when it was gathered, RFC 3339 in UTC")
    parser.add_argument(
        "-o", "--output", type=Path, default=BUNDLED, metavar="FILE", help="where to (default: the bundled snapshot)"
    )
    given = parser.parse_args(arguments)
    try:
        data = build_snapshot(given.sources, given.as_of)
        write_bytes(given.output, data)
    except ProvisionError as error:
        Console(environ=os.environ).error(error)
        return error.exit_code
    print(f"wrote {given.output}, {len(data)} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
