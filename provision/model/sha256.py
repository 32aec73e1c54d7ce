"""The sha256 of short texts, without importing hashlib.

hashlib loads OpenSSL, which takes a third of the time in which Python starts. Files and trees are hashed with hashlib.
"""

import sys


def sha256_hex(data: bytes) -> str:
    """The sha256 in lower-case hexadecimal digits, by the interpreter's built-in implementation if it has one."""
    for module in ("_sha2" if sys.version_info >= (3, 12) else "_sha256", "hashlib"):
        try:
            return str(__import__(module).sha256(data).hexdigest())
        except ImportError:
            continue
    raise ValueError("this Python has no sha256")
