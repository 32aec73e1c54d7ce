"""The effect of signals on a process: the first unwinds it, the second ends it, and neither prints a traceback."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from tests.install.processes import is_alive
from tests.support.killer import ROOT

_BUSY = """
import os, signal, sys, time
from provision.cli.stopping import StopRequested, exit_on_signal, install_handlers, stop_requested
from provision.cli import stopping
grace_period, stopping._GRACE_PERIOD = stopping._GRACE_PERIOD, 60  # on a loaded machine what is shown may take long
install_handlers()
def tell(word):
    print(word, flush=True)
def linger():
    for _ in range(3000):
        time.sleep(0.01)  # in short pieces: a signal that comes just before a sleep is handled after it
"""


def start(code: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _BUSY + code],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(process: subprocess.Popen[str], word: str) -> None:
    assert process.stdout is not None
    assert process.stdout.readline() == word + "\n"


@pytest.mark.parametrize(
    ("number", "word", "code"), [(signal.SIGINT, "interrupted", 130), (signal.SIGTERM, "terminated", 143)]
)
def test_the_first_signal_unwinds_the_stack(number: signal.Signals, word: str, code: int) -> None:
    process = start(
        """
try:
    try:
        tell("busy")
        linger()
    except Exception:
        tell("swallowed by a library")
    except KeyboardInterrupt:
        tell("swallowed by Typer")
    finally:
        tell("tidied up")
except StopRequested as stopped:
    tell(stopped.message)
    sys.exit(stopped.exit_code)
"""
    )
    wait_for(process, "busy")
    process.send_signal(number)
    assert process.communicate(timeout=20) == (f"tidied up\n{word}\n", "")
    assert process.returncode == code


def test_a_process_that_does_not_unwind_is_ended_within_a_second() -> None:
    """For example, a lock that is never released, because the exception itself left it behind."""
    process = start(
        """
import threading
stopping._GRACE_PERIOD = grace_period
stopping.install_handlers({"terminated": b"the document"})
lock = threading.Lock()
try:
    tell("busy")
    linger()
finally:
    lock.acquire()
    lock.acquire()
"""
    )
    wait_for(process, "busy")
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=20) == ("the document", "terminated\n")
    assert process.returncode == 143


@pytest.mark.parametrize("second", [False, True])
def test_a_process_that_does_not_unwind_leaves_no_program_behind(second: bool) -> None:
    process = start(
        """
import subprocess, threading
from provision.host.children import running
stopping._GRACE_PERIOD = 60 if SECOND else grace_period
stopping.install_handlers()
hanging = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
running.add(hanging)
try:
    tell(hanging.pid)
    linger()
finally:
    tell("unwinding")
    time.sleep(60)
""".replace("SECOND", str(second))
    )
    assert process.stdout is not None
    pid = int(process.stdout.readline())
    process.send_signal(signal.SIGINT)
    wait_for(process, "unwinding")
    if second:
        process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=20) == ("", "" if second else "interrupted\n")
    assert process.returncode == 130
    assert not is_alive(pid)


def test_a_signal_while_a_program_is_being_started_does_not_lose_it() -> None:
    process = start(
        """
import subprocess
from provision.cli import entry, lean
from provision.host import children
def starts(argv):
    def popen():
        hanging = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        tell(hanging.pid)
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0)  # the handler runs now, and the process is not known yet
        return hanging
    children.start(popen)
    tell("not reached")
lean.run_lean = starts
code = entry._dispatch(["list"])
os._exit(code)
"""
    )
    assert process.stdout is not None
    pid = int(process.stdout.readline())
    assert process.communicate(timeout=20) == ("", "interrupted\n")
    assert process.returncode == 130
    assert not is_alive(pid)


def test_a_signal_is_noted_even_if_its_exception_is_wrapped_or_lost() -> None:
    process = start(
        """
class Loses:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
print(stop_requested())
one = Loses()
del one
tell(stop_requested().message)
"""
    )
    assert process.communicate(timeout=20) == ("None\ninterrupted\n", "")
    assert process.returncode == 0


def test_an_error_while_unwinding_does_not_hide_the_signal() -> None:
    process = start(
        """
from provision.cli import entry, lean
from provision.errors import StoreError
def run(argv):
    try:
        os.kill(os.getpid(), signal.SIGINT)
        linger()
    finally:
        raise StoreError("a file was closed twice")
lean.run_lean = run
sys.exit(entry._dispatch(["sync"]))
"""
    )
    assert process.communicate(timeout=20) == ("", "interrupted\n")
    assert process.returncode == 130


@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM])
def test_the_second_signal_ends_the_process(second: signal.Signals) -> None:
    process = start(
        """
try:
    tell("busy")
    linger()
finally:
    tell("tidying up")
    linger()
"""
    )
    wait_for(process, "busy")
    process.send_signal(signal.SIGINT)
    wait_for(process, "tidying up")
    process.send_signal(second)
    assert process.communicate(timeout=20) == ("", "")
    assert process.returncode == 128 + second


def test_after_the_work_a_signal_ends_the_process_silently() -> None:
    process = start('exit_on_signal(); tell("done"); linger()')
    wait_for(process, "done")
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=20) == ("", "")
    assert process.returncode == 143


def test_a_signal_that_the_caller_ignores_is_ignored() -> None:
    process = start(
        """
signal.signal(signal.SIGINT, signal.SIG_IGN)
install_handlers()
os.kill(os.getpid(), signal.SIGINT)
tell("still here")
"""
    )
    assert process.communicate(timeout=20) == ("still here\n", "")
    assert process.returncode == 0
