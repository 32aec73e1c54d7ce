"""Any body of an extended header: refused, or read as `tarfile` reads it."""

from __future__ import annotations

import io
import tarfile

from hypothesis import strategies as st

from fuzz.mutations import mutated
from fuzz.target import Target
from provision.unpack.limits import ArchiveRefused
from provision.unpack.tar import parse_records
from tests.unpack.archives import END, PAX, file, header, padded, record

_KEYWORDS = [b"path", b"linkpath", b"size", b"mtime", b"comment", b"uname", b"GNU.sparse.name", b"hdrcharset", b"x"]
_values = st.binary(max_size=40) | st.sampled_from([b"0", b"1", b"../x", b"python/x", b"1.5"])
_records = st.builds(record, st.sampled_from(_KEYWORDS) | st.binary(max_size=5), _values)


def check(data: bytes) -> None:
    try:
        ours = parse_records(data)
    except ArchiveRefused:
        return
    blocks = header(b"x", PAX, size=len(data)) + padded(data) + file(b"name") + END
    with tarfile.open(fileobj=io.BytesIO(blocks), encoding="utf-8", errors="surrogateescape") as archive:
        (member,) = archive.getmembers()
    theirs = {key: member.pax_headers[key] for key in ("path", "linkpath", "size") if key in member.pax_headers}
    assert theirs == ours


TARGET = Target(inputs=mutated(st.lists(_records, max_size=4).map(b"".join)), check=check)
