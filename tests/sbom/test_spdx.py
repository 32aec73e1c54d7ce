"""SPDX 2.3, as the SPDX project's own tools read and validate it."""

from __future__ import annotations

import json
from typing import Any

from spdx_tools.spdx.parser.jsonlikedict.json_like_dict_parser import JsonLikeDictParser
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

from provision.sbom.inventory import Inventory
from provision.sbom.spdx import spdx_document
from tests.lock.samples import asset
from tests.review.test_components import GNU, entry
from tests.sbom.samples import OTHERS, inventory, rows
from tests.sbom.scanner import AFFECTED, scan


def written(made: Inventory) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(json.dumps(spdx_document(made)))
    return document


def objections(document: dict[str, Any]) -> list[str]:
    parser: Any = JsonLikeDictParser  # without types
    parsed = parser().parse(document)
    return [message.validation_message for message in validate_full_spdx_document(parsed)]


def test_the_documents_are_valid() -> None:
    for made in (inventory(), inventory(*rows(entry("3.12.11+20250612", (GNU,)))), inventory(("own", asset()))):
        assert objections(written(made)) == []


def test_the_validator_objects_to_a_relationship_without_its_package() -> None:
    document = written(inventory())
    document["packages"].pop()
    assert objections(document)


def test_each_interpreter_is_described_with_its_components() -> None:
    document = written(inventory())
    names = {package["SPDXID"]: package["name"] for package in document["packages"]}
    described = [each for each in document["relationships"] if each["relationshipType"] == "DESCRIBES"]
    assert sorted(names[each["relatedSpdxElement"]] for each in described) == ["pypy", *["python"] * 4]
    contained = [each for each in document["relationships"] if each["relationshipType"] == "CONTAINS"]
    assert [names[each["relatedSpdxElement"]] for each in contained if each["relatedSpdxElement"] in names].count(
        "openssl"
    ) == 3
    assert [each["relatedSpdxElement"] for each in contained].count("NOASSERTION") == 2


def test_a_package_has_its_archive_cpe_purl_and_licence() -> None:
    (package,) = written(inventory(("own", OTHERS)))["packages"]
    assert (package["name"], package["versionInfo"]) == ("python", "3.15.0rc1")
    assert package["primaryPackagePurpose"] == "APPLICATION"
    assert package["downloadLocation"] == OTHERS.url
    assert package["checksums"] == [{"algorithm": "SHA256", "checksumValue": OTHERS.sha256.hex}]
    assert package["licenseDeclared"] == "PSF-2.0"
    assert [each["referenceType"] for each in package["externalRefs"]] == ["cpe23Type", "purl"]
    assert "provision:components=not known" in package["comment"]


def test_the_public_domain_is_declared_if_used() -> None:
    assert "hasExtractedLicensingInfos" in written(inventory(*rows(entry("3.12.11+20250612", (GNU,)))))
    assert "hasExtractedLicensingInfos" not in written(inventory(("own", OTHERS)))


def test_a_scanner_finds_known_vulnerabilities_of_interpreters_and_libraries() -> None:
    assert scan(written(inventory())) == AFFECTED
