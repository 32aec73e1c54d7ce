"""The entry point, where errors become messages and exit codes.

The fast answers are tried first, then the plain commands, then Typer.
"""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from provision.errors import ProvisionError

INTERRUPTED = 130  # 128 + SIGINT, as shells report it; used before `cli.stopping` handles signals


def main() -> "NoReturn":
    """Run the command line of this process, and end the process with its exit code.

    Only builtins are imported before `store.stamp` is checked: a `sync` with nothing to do must cost no more than
    starting Python. `os._exit` leaves out Python's shutdown, since freeing every object takes half as long as starting
    Python. Only a bug ends the usual way, with its traceback.
    """
    os._exit(_main(sys.argv[1:]))


def _main(argv: list[str]) -> int:
    from provision.cli.fast import answer
    from provision.cli.streams import prepare_streams

    argv = _usual_words(argv)
    prepare_streams()
    try:
        code = answer(argv)
        if code is None:
            code = _dispatch(argv)
        sys.stdout.flush()
        sys.stderr.flush()
    except KeyboardInterrupt:
        return _report_interrupt(argv)
    except BrokenPipeError:
        return _close_quietly()
    except OSError as error:
        if os.environ.get("PROVISION_DEBUG"):
            raise
        from provision.errors import system_error

        return _report(argv, system_error(error, stream=_failed_stream(error)))
    return code


def _usual_words(argv: list[str]) -> list[str]:
    """The command line in our words, where people use those of other tools; they are in no help text."""
    match argv:
        case ["-V" | "version"]:
            return ["--version"]
        case ["help", *words]:
            return [*words, "--help"]
        case ["ls", *words]:
            return ["list", *words]
    return argv


def _dispatch(argv: list[str]) -> int:
    from provision.cli.stopping import (
        end_programs,
        exit_on_signal,
        install_handlers,
        report_stop,
        run_callbacks,
        stop_requested,
    )

    try:
        install_handlers(_stop_documents(argv))
        code = _run(argv)
        exit_on_signal()
    except BaseException:
        stopped = stop_requested()
        if stopped is None:
            raise
        run_callbacks()
        end_programs()
        sys.stderr.flush()
        report_stop(stopped)
        return stopped.exit_code
    finally:
        run_callbacks()
    return code


def _run(argv: list[str]) -> int:
    from provision.cli.stopping import stop_requested
    from provision.errors import ProvisionError

    try:
        if argv[:1] == ["sync"]:
            from provision.cli.early import start_fetching

            start_fetching(argv, os.environ)
        from provision.cli.lean import run_lean

        code = run_lean(argv)
        if code is None:
            from provision.cli.app import run_app

            code = run_app(argv)
    except ProvisionError as error:
        if stop_requested():  # errors while unwinding, such as of a file that is closed twice, are of no interest
            raise
        return _report(argv, error)
    return code


def _stop_documents(argv: list[str]) -> dict[str, bytes]:
    """What a signal prints on stdout, by its message, if `--json` is on the command line."""
    if "--json" not in argv:  # spares the import
        return {}
    from provision.cli.failures import json_requested, stop_documents

    return stop_documents() if json_requested(argv) else {}


def _report_interrupt(argv: list[str]) -> int:
    """Report a Ctrl-C before `cli.stopping` handles signals."""
    sys.stderr.write("interrupted\n")
    if document := _stop_documents(argv).get("interrupted"):
        os.write(sys.stdout.fileno(), document)
    return INTERRUPTED


def _report(argv: list[str], error: "ProvisionError") -> int:
    from provision.cli import streams
    from provision.cli.console import Console
    from provision.cli.failures import failure_document, json_requested
    from provision.cli.stopping import run_callbacks

    run_callbacks()  # removes the progress bars
    try:
        Console().error(error)
        sys.stderr.flush()
    except OSError:  # stderr is on a full disk
        pass
    try:
        if json_requested(argv) and not streams.document_written:
            Console().document(failure_document(error))
        sys.stdout.flush()
    except OSError:  # stdout is full, or nobody reads it
        pass
    return error.exit_code


def _failed_stream(error: OSError) -> str:
    """``stdout`` if writing there failed; empty if something else did.

    Modules of the command line open no files: what fails there and names no path is a stream. Its buffer does not tell,
    as it may be empty or, with PYTHONUNBUFFERED, missing.
    """
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    module = trace.tb_frame.f_globals.get("__name__", "") if trace is not None else ""
    writes = module.partition(".")[0] in {"click", "typer"} or module.startswith("provision.cli.")
    return "stdout" if writes and error.filename is None else ""


def _close_quietly() -> int:
    """The reader of stdout has closed it (``provision list | head -1``): no traceback, now or at shutdown."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 128 + 13
