"""What a scanner makes of an SBOM: it reads top-level components, and judges `pkg:generic` by the CPE alone.

So Grype does it: nested components are dropped, and a generic purl without a CPE finds nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from packageurl import PackageURL
from packaging.version import Version

# Advisories as the NVD matches them: vendor and product, the first version that is affected, and the fixed one.
ADVISORIES = {
    "CVE-2023-5752": ("pypa", "pip", "0", "23.3"),
    "CVE-2024-8176": ("libexpat_project", "libexpat", "0", "2.7.0"),
    "CVE-2026-1": ("openssl", "openssl", "3.5.0", "3.5.7"),
    "CVE-2026-2": ("python", "python", "3.13.0", "3.13.14"),
    "CVE-2026-3": ("python", "python", "3.15.0rc1", "3.15.0rc2"),
    "CVE-2026-4": ("openssl", "openssl", "3.0.0", "3.0.20"),
}
# Those that apply to the inventory of the samples: not to expat inside CPython on Windows, whose version is not known.
AFFECTED = {
    ("expat", "CVE-2024-8176"),
    ("openssl", "CVE-2026-1"),
    ("python", "CVE-2026-2"),
    ("python", "CVE-2026-3"),
}


def scan(document: dict[str, Any]) -> set[tuple[str, str]]:
    """The name of each component that is affected, with the advisory."""
    found = set()
    for name, purls, cpes in _components(document):
        for purl in map(PackageURL.from_string, purls):
            assert (purl.type, purl.name, bool(purl.version)) in {("generic", name, True), ("pypi", name, True)}
        for vendor, product, version in map(_read_cpe, cpes):
            for advisory, (of_vendor, of_product, first, fixed) in ADVISORIES.items():
                same = (vendor, product) == (of_vendor, of_product)
                if same and Version(first) <= Version(version) < Version(fixed):
                    found.add((name, advisory))
    return found


def _components(document: dict[str, Any]) -> Iterator[tuple[str, list[str], list[str]]]:
    """Name, purls and CPEs of the top-level components of either format."""
    for each in document.get("components", ()):
        yield each["name"], [each["purl"]] if "purl" in each else [], [each["cpe"]] if "cpe" in each else []
    for each in document.get("packages", ()):
        references = [(ref["referenceType"], ref["referenceLocator"]) for ref in each.get("externalRefs", ())]
        yield each["name"], *([text for kind, text in references if kind == kinds] for kinds in ("purl", "cpe23Type"))


def _read_cpe(text: str) -> tuple[str, str, str]:
    """Vendor, product and version of a CPE 2.3 name of an application, with the update as PEP 440 spells it."""
    fields = re.split(r"(?<!\\):", text)
    assert (fields[:3], len(fields)) == (["cpe", "2.3", "a"], 13), text
    vendor, product, version, update = (re.sub(r"\\(.)", r"\1", field) for field in fields[3:7])
    return vendor, product, version + ("" if update == "*" else update)
