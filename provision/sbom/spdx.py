"""An inventory as an SPDX 2.3 document in JSON."""

from __future__ import annotations

from provision.sbom.identities import PUBLIC_DOMAIN
from provision.sbom.inventory import BomComponent, Inventory

_NOT_STATED = "NOASSERTION"


def spdx_document(inventory: Inventory) -> dict[str, object]:
    """The document: packages, and the relationships that say what each interpreter contains.

    An identifier in SPDX has only letters, digits, ``.`` and ``-``, so packages are numbered; refs are in order.
    """
    ids = {each.ref: f"SPDXRef-{number}" for number, each in enumerate(inventory.components, 1)}
    relationships: list[dict[str, str]] = []
    for each in inventory.components:
        if each.kind == "application":
            relationships.append(_relationship("SPDXRef-DOCUMENT", "DESCRIBES", ids[each.ref]))
            contained = [_NOT_STATED] if each.contains is None else [ids[ref] for ref in each.contains]
            relationships += [_relationship(ids[each.ref], "CONTAINS", other) for other in contained]
    document: dict[str, object] = {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": inventory.name,
        "documentNamespace": f"https://spdx.org/spdxdocs/pythons.lock-{inventory.serial}",
        "creationInfo": {"created": inventory.created, "creators": ["Tool: provision"]},
        "packages": [_package(each, ids[each.ref]) for each in inventory.components],
        "relationships": relationships,
    }
    if any(each.licence == PUBLIC_DOMAIN for each in inventory.components):
        document["hasExtractedLicensingInfos"] = [
            {"licenseId": PUBLIC_DOMAIN, "name": "Public domain", "extractedText": "This software is public domain."}
        ]
    return document


def _relationship(subject: str, kind: str, related: str) -> dict[str, str]:
    return {"spdxElementId": subject, "relationshipType": kind, "relatedSpdxElement": related}


def _package(component: BomComponent, spdx_id: str) -> dict[str, object]:
    package: dict[str, object] = {"SPDXID": spdx_id, "name": component.name}
    if component.version:
        package["versionInfo"] = component.version
    package |= {
        "primaryPackagePurpose": component.kind.upper(),
        "downloadLocation": component.urls[0] if component.urls else _NOT_STATED,
        "filesAnalyzed": False,
        "licenseConcluded": _NOT_STATED,
        "licenseDeclared": component.licence or _NOT_STATED,
        "copyrightText": _NOT_STATED,
    }
    if component.sha256:
        package["checksums"] = [{"algorithm": "SHA256", "checksumValue": component.sha256}]
    references = []
    if component.cpe:
        references.append(_reference("SECURITY", "cpe23Type", component.cpe))
    if component.purl:
        references.append(_reference("PACKAGE-MANAGER", "purl", component.purl))
    if references:
        package["externalRefs"] = references
    if component.properties:
        package["comment"] = "\n".join(f"{name}={value}" for name, value in component.properties)
    return package


def _reference(category: str, kind: str, locator: str) -> dict[str, str]:
    return {"referenceCategory": category, "referenceType": kind, "referenceLocator": locator}
