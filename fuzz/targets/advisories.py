"""Any advisory, or archive of some: a verdict on every version of the components that it names, or no record."""

from __future__ import annotations

import json
import zipfile
from io import BytesIO

from hypothesis import strategies as st

from fuzz.laws import showable, soon
from fuzz.mutations import mutated
from fuzz.target import Target
from fuzz.texts import documents
from provision.advisories.judge import AdvisoryIndex
from provision.advisories.read import read_record, zip_members
from provision.errors import UsageError

_OSV = {
    "id": "PSF-2026-1",
    "aliases": ["CVE-2026-1"],
    "modified": "2026-01-02T03:04:05Z",
    "summary": "A. B",
    "affected": [
        {
            "package": {"ecosystem": "Bitnami", "name": "python"},
            "ranges": [
                {
                    "type": "SEMVER",
                    "events": [{"introduced": "3.12.0"}, {"fixed": "3.12.5"}, {"last_affected": "3.13"}],
                },
                {"type": "GIT", "repo": "https://github.com/openssl/openssl", "events": [{"introduced": "0"}]},
            ],
            "versions": ["3.13.1", "openssl-3.0.1", "v3.0.2"],
        }
    ],
}
_CVE = {
    "dataType": "CVE_RECORD",
    "cveMetadata": {"cveId": "CVE-2026-2", "state": "PUBLISHED", "dateUpdated": "2026-01-01"},
    "containers": {
        "cna": {
            "title": "x",
            "metrics": [{"cvssV3_1": {"baseSeverity": "HIGH"}}, {"other": {"content": {"text": "Low"}}}],
            "affected": [
                {
                    "vendor": "OpenSSL",
                    "product": "OpenSSL",
                    "defaultStatus": "unaffected",
                    "versions": [
                        {"status": "affected", "version": "3.0.0", "lessThan": "3.0.7", "versionType": "semver"},
                        {"status": "unaffected", "version": ">= 1.1.1, < 1.1.1za"},
                    ],
                }
            ],
        },
        "adp": [],
    },
}
_PIECES = [
    "[", "]", "{", "}", ",", ":", "null", "1e999", "NaN", '"\\ud800"', "[" * 300, '"id"', '"affected"', '"versions"',
    '"ranges"', '"events"', '{"introduced": "0"}', '"type": "SEMVER"', '"package": {"purl": "pkg:pypi/pip"}',
    '"3.13.5"', '"containers"', '"cna"', '"status": "affected"', '"lessThan": "*"', '"1.1.1za"', "1" * 5000,
]  # fmt: skip
_VERSIONS = ("3.13.5", "1.1.1w", "3.0.2", "", "no version")


def _zip(content: bytes) -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/1.json", content)
        archive.writestr("a/2.json", json.dumps(_CVE))
    return file.getvalue()


def check(data: bytes) -> None:
    with soon():
        found = [data]
        try:
            found += [content for _, content in zip_members(BytesIO(data), "x.zip")]
        except UsageError as error:
            showable(error)
        records = [record for content in found if (record := read_record(content, database="x")) is not None]
        index = AdvisoryIndex(records, release_days=lambda _: {"3.13.4": "20250101", "3.0.1": "20250101"})
        for record in records:
            assert record.id.isascii()
            assert record.id.isprintable()
            json.dumps([record.summary, record.modified]).encode()
            record.summary.encode()
            for statement in record.statements:
                for version in _VERSIONS:
                    judged = index.judge(statement.component, version)
                    named = [each.component for each in judged.applied] + [each.component for each in judged.unjudged]
                    assert set(named) <= {statement.component}


_sound = st.sampled_from([_OSV, _CVE]).map(lambda document: json.dumps(document).encode())
TARGET = Target(inputs=mutated(_sound | _sound.map(_zip)) | documents(_PIECES, between=""), check=check)
