"""Owns the sha256 of what is at hand as a whole; streams and trees are hashed with hashlib, where they pass.

hashlib loads OpenSSL first, which takes a third of the time that Python needs to start.
"""

import sys


def sha256_hex(data: bytes) -> str:
    """The sha256 in lower-case hex, by the interpreter's own implementation where it has one."""
    for module in ("_sha2" if sys.version_info >= (3, 12) else "_sha256", "hashlib"):
        try:
            return str(__import__(module).sha256(data).hexdigest())
        except ImportError:
            continue
    raise ValueError("this Python has no sha256")
