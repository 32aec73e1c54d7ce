"""Advisories in both formats: facts of real ones, in our own words."""

from __future__ import annotations

import json
from typing import Any

# CVE-2024-7592, the record of the Python Software Foundation: quadratic parsing of cookies.
COOKIES: dict[str, Any] = {
    "dataType": "CVE_RECORD",
    "cveMetadata": {"cveId": "CVE-2024-7592", "state": "PUBLISHED", "dateUpdated": "2024-09-04T00:00:00Z"},
    "containers": {
        "cna": {
            "title": "Cookies with backslashes are parsed in quadratic time",
            "affected": [
                {
                    "vendor": "Python Software Foundation",
                    "product": "CPython",
                    "defaultStatus": "unaffected",
                    "versions": [
                        {"version": "0", "lessThan": "3.8.20", "status": "affected", "versionType": "python"},
                        {"version": "3.12.0a1", "lessThan": "3.12.6", "status": "affected", "versionType": "python"},
                        {"version": "3.13.0a1", "lessThan": "3.13.0rc2", "status": "affected", "versionType": "python"},
                    ],
                }
            ],
            "metrics": [{"cvssV3_1": {"baseSeverity": "HIGH"}}],
        }
    },
}
# The same vulnerability, less exact, from a distributor.
COOKIES_OSV: dict[str, Any] = {
    "id": "BIT-python-2024-7592",
    "aliases": ["CVE-2024-7592"],
    "modified": "2025-01-01T00:00:00Z",
    "affected": [
        {
            "package": {"ecosystem": "Bitnami", "name": "python", "purl": "pkg:bitnami/python"},
            "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "3.13.0"}]}],
        }
    ],
    "database_specific": {"severity": "Medium"},
}
# And with commits only.
COOKIES_GIT: dict[str, Any] = {
    "id": "PSF-2024-9",
    "aliases": ["CVE-2024-7592"],
    "modified": "2024-09-04T00:00:00Z",
    "affected": [
        {
            "ranges": [
                {
                    "type": "GIT",
                    "repo": "https://github.com/python/cpython",
                    "events": [{"introduced": "0"}, {"fixed": "a" * 40}],
                }
            ]
        }
    ],
}


def openssl_record(cve: str, *versions: tuple[str, str, str], title: str = "", updated: str = "") -> dict[str, Any]:
    """A record as OpenSSL publishes them; versions are the first that is affected, the fixed one, the type."""
    return {
        "dataType": "CVE_RECORD",
        "cveMetadata": {"cveId": cve, "state": "PUBLISHED", **({"dateUpdated": updated} if updated else {})},
        "containers": {
            "cna": {
                **({"title": title} if title else {}),
                "affected": [
                    {
                        "vendor": "OpenSSL",
                        "product": "OpenSSL",
                        "defaultStatus": "unaffected",
                        "versions": [
                            {"version": first, "lessThan": fixed, "status": "affected", "versionType": kind}
                            for first, fixed, kind in versions
                        ],
                    }
                ],
                "metrics": [{"format": "other", "other": {"type": "policy", "content": {"text": "Moderate"}}}],
            }
        },
    }


# CVE-2023-0215: a use after free in OpenSSL's BIO_new_NDEF, in both version schemes.
OPENSSL = openssl_record(
    "CVE-2023-0215",
    ("3.0.0", "3.0.8", "semver"),
    ("1.1.1", "1.1.1t", "custom"),
    ("1.0.2", "1.0.2zg", "custom"),
)
# CVE-2024-8176: deep nesting of entities in expat. MITRE's own part has no range, CISA's does.
EXPAT: dict[str, Any] = {
    "dataType": "CVE_RECORD",
    "cveMetadata": {"cveId": "CVE-2024-8176", "state": "PUBLISHED", "dateUpdated": "2025-03-20"},
    "containers": {
        "cna": {
            "affected": [{"vendor": "n/a", "product": "n/a", "versions": [{"version": "n/a", "status": "affected"}]}],
            "descriptions": [{"lang": "en", "value": "The stack of expat overflows. More follows."}],
        },
        "adp": [
            {
                "affected": [
                    {
                        "vendor": "libexpat_project",
                        "product": "libexpat",
                        "defaultStatus": "unknown",
                        "versions": [
                            {"version": "0", "lessThan": "2.7.0", "status": "affected", "versionType": "custom"},
                            {"version": "2.7.0", "lessThan": "3", "status": "unaffected", "versionType": "custom"},
                        ],
                    }
                ]
            }
        ],
    },
}
# CVE-2025-31115: a use after free in the multi-threaded decoder of xz, the range in one string.
XZ: dict[str, Any] = {
    "dataType": "CVE_RECORD",
    "cveMetadata": {"cveId": "CVE-2025-31115", "state": "PUBLISHED"},
    "containers": {
        "cna": {
            "affected": [
                {
                    "vendor": "tukaani-project",
                    "product": "xz",
                    "versions": [{"version": ">= 5.3.3alpha, < 5.8.1", "status": "affected"}],
                }
            ]
        }
    },
}
# A record with commits, next to which OSV lists the releases.
ZLIB: dict[str, Any] = {
    "id": "CVE-2022-37434",
    "modified": "2023-01-10T00:00:00Z",
    "affected": [
        {
            "ranges": [
                {
                    "type": "GIT",
                    "repo": "https://github.com/madler/zlib.git",
                    "events": [{"introduced": "0"}, {"fixed": "e" * 40}],
                }
            ],
            "versions": ["v1.2.11", "v1.2.12"],
        }
    ],
}
# The same names in language ecosystems are other packages.
NAMESAKES: list[dict[str, Any]] = [
    {
        "id": f"GHSA-{number}",
        "affected": [
            {
                "package": {"ecosystem": ecosystem, "name": name},
                "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}]}],
            }
        ],
    }
    for number, (ecosystem, name) in enumerate([("npm", "openssl"), ("PyPI", "zstd"), ("crates.io", "expat")])
]
ALL = [COOKIES, COOKIES_OSV, COOKIES_GIT, OPENSSL, EXPAT, XZ, ZLIB, *NAMESAKES]


def encoded(document: object) -> bytes:
    return json.dumps(document).encode()
