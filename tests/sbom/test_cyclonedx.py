"""CycloneDX 1.6, validated with its official schema."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from provision.sbom.cyclonedx import cyclonedx_document
from tests.sbom.samples import OTHERS, inventory
from tests.sbom.scanner import AFFECTED, scan

WRITE = "import json; from tests.sbom.samples import *; from provision.sbom.cyclonedx import *\n"


def written() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(json.dumps(cyclonedx_document(inventory())))
    return document


def test_the_document_is_valid() -> None:
    validator = JsonStrictValidator(SchemaVersion.V1_6)
    document = written()
    assert validator.validate_str(json.dumps(document)) is None
    document["components"][0]["type"] = "interpreter"
    assert validator.validate_str(json.dumps(document)) is not None


def test_components_are_flat_and_linked_by_dependencies() -> None:
    document = written()
    components = {each["bom-ref"]: each for each in document["components"]}
    assert not any("components" in each for each in components.values())
    assert {each["type"] for each in components.values()} == {"application", "library"}
    depends = {each["ref"]: each.get("dependsOn", []) for each in document["dependencies"]}
    assert depends.keys() == components.keys()
    pythons = [ref for ref, each in components.items() if each["name"] == "python" and depends[ref]]
    assert len(pythons) == 3
    assert all("openssl@3.5.6" in depends[ref] for ref in pythons)


def test_a_scanner_finds_known_vulnerabilities_of_interpreters_and_libraries() -> None:
    document = written()
    found = scan(document)
    assert found == AFFECTED
    for each in document["components"]:
        each.pop("cpe", None)
    assert scan(document) == set()  # the purls alone say nothing to it


def test_an_interpreter_has_its_digest_and_url() -> None:
    (component,) = (each for each in written()["components"] if each.get("version") == "3.15.0rc1")
    hashes = [{"alg": "SHA-256", "content": OTHERS.sha256.hex}]
    assert component["hashes"] == hashes
    assert component["externalReferences"] == [{"type": "distribution", "url": OTHERS.url, "hashes": hashes}]
    assert component["cpe"] == "cpe:2.3:a:python:python:3.15.0:rc1:*:*:*:*:*:*"
    assert component["purl"].startswith(f"pkg:generic/python@3.15.0rc1?checksum=sha256:{OTHERS.sha256}&download_url=")
    assert component["licenses"] == [{"expression": "PSF-2.0"}]
    assert [each["value"] for each in component["properties"] if each["name"] == "provision:entry"] == ["again", "own"]


def test_every_run_writes_the_same_bytes() -> None:
    code = f"{WRITE}print(json.dumps(cyclonedx_document(inventory())))"
    first, second = (
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("0", "1")
    )
    assert first == second
    assert json.loads(first) == written()
