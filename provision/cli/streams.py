"""Stdout and stderr made usable: closed ones, and encodings that lack characters.

Only modules that Python itself loads at start-up are imported.
"""

import codecs
import os
import sys

document_written = False  # by this process: no second one is printed if a later step fails

_ERRORS = "provision"
_ASCII = {"→": "->", "·": "-", "…": "...", "–": "-", "−": "-", "×": "x", "±": "+-"}


def prepare_streams() -> None:
    """Give every closed standard stream the null device, and let text degrade to ASCII where an encoding lacks it."""
    if sys.stdin is None or sys.stdout is None or sys.stderr is None:
        _open_missing()
    codecs.register_error(_ERRORS, _in_ascii)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=_ERRORS)


def write_bytes(content: bytes, *, to_stderr: bool = False) -> None:
    """Write bytes to stdout or stderr, after the text that was written before."""
    stream = sys.stderr if to_stderr else sys.stdout
    stream.flush()
    if hasattr(stream, "buffer"):
        stream.buffer.write(content)
        if to_stderr:
            stream.flush()
    else:
        stream.write(content.decode("utf-8", "backslashreplace"))


def path_bytes(path: str) -> bytes | None:
    """A path as the programs that read stdout expect it; None if stdout's encoding cannot express the path."""
    if os.name != "nt":
        return os.fsencode(path)
    try:
        return path.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return None


def _in_ascii(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    missing = error.object[error.start : error.end]
    return "".join(_ASCII.get(char) or ascii(char)[1:-1] for char in missing), error.end


def _open_missing() -> None:
    """Open the null device in the place of closed streams, so that no file that is opened later has their numbers."""
    descriptor = os.open(os.devnull, os.O_RDWR)
    while descriptor <= 2:
        descriptor = os.dup(descriptor)
    os.close(descriptor)
    sys.stdin = sys.stdin or os.fdopen(0)
    sys.stdout = sys.stdout or os.fdopen(1, "w")
    sys.stderr = sys.stderr or os.fdopen(2, "w")
