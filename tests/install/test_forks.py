"""A forked process does its work, ends by itself, and keeps nothing of its parent."""

from __future__ import annotations

import sys

import pytest

from tests.install.processes import run_code

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="nothing is forked elsewhere")

PRELUDE = """\
import os, signal, sys, threading, time
from provision.install.forks import fork, own_ends, processors

def code_of(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
"""


def test_nothing_is_forked_while_another_thread_runs() -> None:
    code = """
print(processors() == len(os.sched_getaffinity(0)))
threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
print(processors())
"""
    assert run_code(PRELUDE + code) == "True\n0\n"


def test_a_fork_never_returns_into_the_code_of_its_parent() -> None:
    code = """
def fail():
    raise SystemExit(0)
print([code_of(fork(serve)) for serve in (lambda: None, lambda: 1 / 0, fail, lambda: os._exit(7))])
"""
    done = run_code("import sys, os; os.dup2(os.open(os.devnull, os.O_WRONLY), 2)\n" + PRELUDE + code)
    assert done == "[1, 1, 1, 7]\n"


def test_a_fork_ignores_ctrl_c_and_ends_on_sigterm() -> None:
    code = """
signal.signal(signal.SIGTERM, lambda *_: None)
def wait():
    os.kill(os.getpid(), signal.SIGINT)
    os.write(told, b"alive")
    os.kill(os.getpid(), signal.SIGTERM)
    os.write(told, b"still alive")
heard, told = os.pipe()
pid = fork(wait)
os.close(told)
print(code_of(pid), os.read(heard, 99), signal.getsignal(signal.SIGINT) is signal.default_int_handler)
"""
    assert run_code(PRELUDE + code) == "-15 b'alive' True\n"


def test_a_fork_closes_the_pipe_ends_of_its_parent() -> None:
    code = """
heard, told = os.pipe()
own_ends.add(told)
def serve():
    os._exit(0 if os.read(heard, 1) == b"" else 2)
pid = fork(serve)
os.close(told)
print(code_of(pid))
"""
    assert run_code(PRELUDE + code) == "0\n"


def test_signals_are_unblocked_after_a_failed_fork() -> None:
    code = """
def refuse():
    raise BlockingIOError(11, "no more processes")
os.fork = refuse
try:
    fork(lambda: None)
except OSError as error:
    print(error.errno, signal.pthread_sigmask(signal.SIG_BLOCK, ()))
"""
    assert run_code(PRELUDE + code) == "11 set()\n"
