"""Owns the way in: the no-op path first, then the lean commands, then Typer; and the one place where errors end."""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from provision.errors import ProvisionError

INTERRUPTED = 130  # before `cli.stopping` listens; 128 + SIGINT, what a shell reports for it


def main() -> "NoReturn":
    """Run the command line of this process, and end the process with its exit code.

    Nothing but builtins is imported before `store.stamp` has had its say: a `sync` with nothing to do must cost no more
    than starting Python. At the end nothing is taken down that the system takes down by itself: freeing every object
    would take as long again as half of starting Python. Only a bug leaves by the long way, with its traceback.
    """
    os._exit(_main(sys.argv[1:]))


def _main(argv: list[str]) -> int:
    try:
        from provision.cli.fast import answer

        code = answer(argv)
        if code is None:
            code = _dispatch(argv)
        sys.stdout.flush()
        sys.stderr.flush()
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return INTERRUPTED
    except BrokenPipeError:
        return _close_quietly()
    return code


def _dispatch(argv: list[str]) -> int:
    from provision.cli.stopping import exit_on_signal, install_handlers, run_callbacks, stop_requested

    try:
        install_handlers()
        code = _run(argv)
        exit_on_signal()
    except BaseException:
        stopped = stop_requested()
        if stopped is None:
            raise
        run_callbacks()
        sys.stderr.write(f"{stopped.word}\n")
        return stopped.exit_code
    finally:
        run_callbacks()
    return code


def _run(argv: list[str]) -> int:
    from provision.cli.stopping import stop_requested
    from provision.errors import ProvisionError

    try:
        from provision.cli.lean import run_lean

        code = run_lean(argv)
        if code is None:
            from provision.cli.app import run_app

            code = run_app(argv)
    except ProvisionError as error:
        if stop_requested():  # what is raised while a run unwinds is of no interest: a file that is closed twice, say
            raise
        return _report(error)
    return code


def _report(error: "ProvisionError") -> int:
    from provision.cli.console import Console
    from provision.cli.stopping import run_callbacks

    run_callbacks()  # bars make way for words
    Console().error(error)
    return error.exit_code


def _close_quietly() -> int:
    """Our reader went away (``provision list | head -1``): no traceback, now or when Python shuts down."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 128 + 13
