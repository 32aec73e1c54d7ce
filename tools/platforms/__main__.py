"""Record what ran on a platform, and write the page and the classifiers that follow from it.

    python -m tools.platforms record --target windows-x86_64 --command 'make test-wine' --scope part \\
        --python 3.13.2 --machine 'wine 8' --tests tools/platforms/wine.toml .platforms/wine/report-?.xml
    python -m tools.platforms page

``record`` takes the figures from reports of `pytest --junitxml`, and refuses those of a run that failed.
"""

from __future__ import annotations

import argparse
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

from provision.host.detect import detect_host
from provision.model.target import Target
from tools.platforms.installs import INSTALLS, Installs, ask_index
from tools.platforms.page import PAGE, platforms_page
from tools.platforms.results import RESULTS, Results, Run, count, merge, record
from tools.platforms.selection import Selection


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.platforms")
    commands = parser.add_subparsers(dest="command_name", required=True)
    recording = commands.add_parser("record", help="record a run in tests/platforms.toml, and write the page")
    recording.add_argument("reports", nargs="+", type=Path, metavar="JUNIT")
    recording.add_argument("--target", type=Target.parse, help="where it ran, if not here")
    recording.add_argument("--command", required=True, help="what to type to run it again")
    recording.add_argument("--python", default=platform.python_version(), help="the version, if not of this Python")
    recording.add_argument(
        "--scope", required=True, choices=("whole", "part"), help="whole: the quick tests, all of them"
    )
    recording.add_argument("--machine", default="", help="the emulator or the runner")
    recording.add_argument("--left-out", action="append", default=[], metavar="TEST: REASON")
    recording.add_argument("--tests", type=Path, metavar="FILE", help="the file that says which tests are left out")
    recording.add_argument("--remark", default="", help="what the run shows, and what not")
    merging = commands.add_parser("merge", help="add the runs of other such files, and write the page")
    merging.add_argument("files", nargs="+", type=Path, metavar="FILE")
    commands.add_parser("installs", help="ask the package index where the dependencies have wheels, and write the page")
    commands.add_parser("page", help="write docs/platforms.md")
    options = parser.parse_args()
    if options.command_name == "record":
        try:
            passed, skipped = count(options.reports)
        except (OSError, ElementTree.ParseError, ValueError) as error:
            sys.exit(f"error: {error}")
        run = Run(
            target=options.target or detect_host().target,
            command=options.command,
            python=options.python,
            scope=options.scope,
            passed=passed,
            skipped=skipped,
            day=datetime.now(UTC).date(),
            machine=options.machine,
            left_out=(*options.left_out, *(Selection.load(options.tests).summary() if options.tests else ())),
            remark=options.remark,
        )
        RESULTS.write_text(record(RESULTS.read_text(encoding="utf-8"), run), encoding="utf-8")
    elif options.command_name == "merge":
        runs: list[Run] = []
        for path in options.files:
            try:
                runs += Results.load(path).runs
            except OSError as error:
                sys.exit(f"error: {error}")
            except (KeyError, ValueError) as error:
                sys.exit(f"error: {path}: {error}")
        RESULTS.write_text(merge(RESULTS.read_text(encoding="utf-8"), runs), encoding="utf-8")
    elif options.command_name == "installs":
        INSTALLS.write_text(ask_index().text(), encoding="utf-8")
    PAGE.write_text(platforms_page(Results.load(), Installs.load()), encoding="utf-8")


if __name__ == "__main__":
    main()
