"""Owns the records of PAX extended headers; which header they amend, `tar` knows."""

from __future__ import annotations

from provision.install.unpack.refusal import Refusal, shown

# What a record may say without a change to what we write: owners, times, and what star and bsdtar add about the
# file system that the files came from.
_IGNORED = frozenset({"atime", "ctime", "mtime", "uid", "gid", "uname", "gname", "comment"})
_IGNORED_VENDORS = (
    "LIBARCHIVE.",
    "SCHILY.acl.",
    "SCHILY.dev",
    "SCHILY.fflags",
    "SCHILY.ino",
    "SCHILY.nlink",
    "SCHILY.xattr.",
)
_REASONS = {
    "hdrcharset": "changes how names are to be read",
    "charset": "changes how its content is to be read",
}


def parse_records(body: bytes) -> dict[str, str]:
    """The records of one extended header that matter: ``path``, ``linkpath`` and ``size``, each as text.

    Raises `Refusal` on a malformed record, one given twice, and every keyword whose meaning we would miss: sparse
    files, other character sets.
    """
    records: dict[str, str] = {}
    seen: set[str] = set()
    while body:
        keyword, value, body = _next(body)
        if keyword in seen:
            raise Refusal(f"has an extended header that gives {shown(keyword)} twice")
        seen.add(keyword)
        if keyword in ("path", "linkpath", "size"):
            if not value or "\0" in value:
                raise Refusal(f"has an extended header whose {keyword} is {shown(value)}")
            records[keyword] = value
        elif keyword not in _IGNORED and not keyword.startswith(_IGNORED_VENDORS):
            reason = _REASONS.get(keyword, "is not one we know")
            raise Refusal(f"has an extended header with {shown(keyword)}, which {reason}")
    return records


def _next(body: bytes) -> tuple[str, str, bytes]:
    """Split ``<length> <keyword>=<value>\\n`` off, where the length counts the whole record, itself included."""
    digits, space, _ = body[:10].partition(b" ")
    length = int(digits) if digits.isdigit() and not digits.startswith(b"0") else 0
    record, rest = body[:length], body[length:]
    keyword, equals, value = record[len(digits) + 1 : -1].partition(b"=")
    if not (space and equals and keyword and len(record) == length and record.endswith(b"\n")):
        raise Refusal(f"has an extended header with a malformed record: {shown(body[:40].decode('latin-1'))}")
    return _decode(keyword), _decode(value), rest


def _decode(text: bytes) -> str:
    return text.decode("utf-8", "surrogateescape")
