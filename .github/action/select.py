"""Decides what the action caches: reads a file of `plan --json`, prints step outputs.

The archives are cached, never the trees: `sync` hashes an archive again before it unpacks it, so that a poisoned cache
can cost time and nothing else. The second argument is the directory that `provision cache dir` prints.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

# Runs that may write to a cache which others trust, at the word of someone who need not be trusted; and releases, which
# should rest on nothing that was left behind.
_UNTRUSTED_EVENTS = ("pull_request_target", "release")


def main() -> None:
    plan = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    for name, value in outputs(plan, Path(sys.argv[2]), os.environ):
        sys.stdout.write(f"{name}<<END-OF-VALUE\n{value}\nEND-OF-VALUE\n")


def outputs(plan: Mapping[str, Any], cache: Path, environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The step's outputs: ``cache`` is ``true`` where there is something to restore, and then ``key`` and ``paths``."""
    yield "lock-digest", str(plan["lock"]).removeprefix("sha256:")
    installs = [action for action in plan["actions"] if action["action"] == "install" and not action["cached"]]
    if not installs or environ.get("INPUT_CHECK_ONLY") == "true" or not may_cache(environ):
        yield "cache", "false"
        return
    digests = sorted({action["sha256"] for action in installs})
    rows = hashlib.sha256("\n".join(digests).encode()).hexdigest()
    platforms = sorted({f"{action['target']}-{action['cpu']}" for action in installs})
    where = platforms[0] if len(platforms) == 1 else f"{len(platforms)}-platforms"
    yield "cache", "true"
    yield "key", "-".join(("provision-1", environ.get("RUNNER_OS", ""), environ.get("RUNNER_ARCH", ""), where, rows))
    yield "paths", "\n".join(str(cache / "archives" / "sha256" / digest) for digest in digests)


def may_cache(environ: Mapping[str, str]) -> bool:
    """What the input ``cache`` says, and where it is ``auto``, the event."""
    match environ.get("INPUT_CACHE") or "auto":
        case "always":
            return True
        case "never":
            return False
        case "auto":
            tagged = environ.get("GITHUB_REF_TYPE") == "tag"
            return not tagged and environ.get("GITHUB_EVENT_NAME") not in _UNTRUSTED_EVENTS
        case _:
            sys.exit("::error title=provision::the input 'cache' must be auto, always or never")


if __name__ == "__main__":
    main()
