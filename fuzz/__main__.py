"""The command line: ``python -m fuzz [--seconds 600] [--seed N] [TARGET...]``."""

from __future__ import annotations

import argparse
import random
import sys
import time
import traceback

from fuzz.engine import run
from fuzz.target import keep, load, names


def main() -> int:
    """Run the targets one after the other, each for its share of the time; 1 if any failed."""
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"default: all of {', '.join(names())}")
    parser.add_argument("--seconds", type=float, default=600.0, help="for all targets together (default: 600)")
    parser.add_argument("--seed", type=int, help="draw the inputs of an earlier run again")
    options = parser.parse_args()
    unknown = set(options.targets) - set(names())
    if unknown:
        parser.error(f"no such target: {', '.join(sorted(unknown))}")
    start = options.seed if options.seed is not None else random.SystemRandom().randrange(10**9)
    chosen = options.targets or names()
    print(f"seed {start}, {options.seconds / len(chosen):.0f} s each")
    return max([_run(name, start, options.seconds / len(chosen)) for name in chosen])


def _run(name: str, start: int, seconds: float) -> int:
    began = time.monotonic()
    outcome = run(name, load(name), start=start, seconds=seconds)
    rate = outcome.executions / max(time.monotonic() - began, 0.001)
    print(f"{name:24} {outcome.executions:8} executions, {rate:6.0f} a second", flush=True)
    if outcome.found is None or outcome.error is None:
        return 0
    traceback.print_exception(outcome.error)
    print(f"kept as {keep(name, outcome.found)}: every test run will try it")
    return 1


if __name__ == "__main__":
    sys.exit(main())
