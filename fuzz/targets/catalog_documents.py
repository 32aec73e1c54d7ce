"""Any document that a catalog is refreshed from, or record of an advisory: what a lock may hold, or the one error."""

from __future__ import annotations

from hypothesis import strategies as st

from fuzz.laws import showable, soon
from fuzz.mutations import mutated
from fuzz.target import Target
from fuzz.texts import documents
from provision.advisories.read import read_record
from provision.catalog.documents import read_document
from provision.catalog.pbs import read_sums
from provision.catalog.pypy import read_checksums
from provision.errors import CatalogError, SeveralErrors
from provision.url import parse_url

_NAME = "cpython-3.14.2+20260127-x86_64-unknown-linux-gnu-install_only.tar.gz"
_RELEASES = (
    f'[{{"tag_name": "20260127", "body": "x", "assets": [{{"name": "{_NAME}", "digest": "sha256:{"a" * 64}"}}]}}]'
)
_UV = (
    '{"cpython-3.14.2-linux-x86_64-gnu": {"name": "cpython", "arch": {"family": "x86_64", "variant": null}, '
    '"os": "linux", "libc": "gnu", "major": 3, "minor": 14, "patch": 2, "prerelease": "", "variant": null, '
    f'"url": "https://github.com/astral-sh/python-build-standalone/releases/download/20260127/{_NAME}", '
    f'"sha256": "{"a" * 64}", "build": "20260127"}}}}'
)
_OSV = (
    '{"id": "PSF-2026-1", "aliases": ["CVE-2026-1"], "affected": [{"package": {"name": "cpython"}, "ranges": '
    '[{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "3.13.5"}]}], "versions": ["3.13.1"]}]}'
)
_PIECES = [
    "[", "]", "{", "}", ",", ":", "null", "1e999", "99999999999999999999", '"\\ud800"', '"tag_name"', '"assets"',
    '"url"', '"affected"', '"ranges"', '"events"', '"dataType": "CVE_RECORD"', '"containers"', "[" * 300, _NAME,
    "a" * 64, "  ", "*",
]  # fmt: skip
_sound = st.sampled_from([_RELEASES, _UV, _OSV, f"{'a' * 64}  {_NAME}\n"]).map(str.encode)


def check(data: bytes) -> None:
    with soon():
        try:
            _, read = read_document(data, "https://example.com/x.json")
        except (CatalogError, SeveralErrors) as error:
            showable(error)
        else:
            for asset in read.assets:
                assert parse_url(asset.url) == asset.url
        for read_text in (lambda: read_sums(data, "20260127"), lambda: read_checksums(data)):
            try:
                read_text()
            except (CatalogError, SeveralErrors) as error:
                showable(error)
        read_record(data, database="x")


TARGET = Target(inputs=mutated(_sound | documents(_PIECES, between="")), check=check)
