"""A real scanner, without a network, finds by our SBOMs what its database has on interpreters and libraries."""

from __future__ import annotations

import json
import os
import subprocess
import zipfile
from collections.abc import Iterable
from pathlib import Path

import pytest

from provision.sbom.cyclonedx import cyclonedx_document
from provision.sbom.inventory import Inventory
from provision.sbom.spdx import spdx_document
from tests.advisories.test_judge import real_database
from tests.integrations.tools import install_python_tool
from tests.review.test_components import GNU, entry
from tests.sbom.samples import inventory, rows
from tests.sbom.scanner import ADVISORIES, AFFECTED

pytestmark = pytest.mark.slow

# Without gsutil, which only its mirror of the NVD needs, and which has no wheel.
TOOL, REQUIRED = (
    "cve-bin-tool==3.4",
    (
        *("aiohttp", "beautifulsoup4", "cvss", "defusedxml", "distro", "filetype", "jinja2", "jsonschema", "lib4sbom"),
        *(
            "lib4vex",
            "packageurl-python",
            "packaging",
            "plotly",
            "python-gnupg",
            "pyyaml",
            "requests",
            "rich",
            "rpmfile",
        ),
        *("setuptools", "xmlschema", "zipp", "zstandard"),
    ),
)
# Its database, empty, and rows that are given to it in JSON: number, vendor, product, first version, fixed one.
MAKE = """
import json, sqlite3, sys
from cve_bin_tool.cvedb import CVEDB
database = sqlite3.connect(sys.argv[1])
for schema in CVEDB.TABLE_SCHEMAS.values():
    database.execute(schema)
rows = json.load(sys.stdin)
for number in {row[0] for row in rows}:
    facts = (number, "HIGH", "", 7, 3, "", "NVD", "2026-01-01")
    database.execute("INSERT INTO cve_severity VALUES (?, ?, ?, ?, ?, ?, ?, ?)", facts)
for number, vendor, product, first, fixed in rows:
    values = (number, vendor, product, "*", first, "", "", fixed, "NVD")
    database.execute("INSERT INTO cve_range VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
database.commit()
"""


@pytest.fixture(scope="module")
def scanner(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scanner")
    install_python_tool(TOOL, folder, "cve-bin-tool", ("--no-deps",))
    return install_python_tool(REQUIRED[0], folder, "cve-bin-tool", REQUIRED[1:])


def scan(
    scanner: Path, home: Path, made: Inventory, advisories: Iterable[tuple[str, str, str, str, str]]
) -> dict[str, set[tuple[str, str, str]]]:
    """By format, what the scanner finds: product, version and number of the advisory."""
    folder = home / ".cache" / "cve-bin-tool"
    folder.mkdir(parents=True)
    environ = {"HOME": str(home), "PATH": os.environ["PATH"], "COLUMNS": "200"}
    make: list[str | Path] = [scanner.with_name("python"), "-c", MAKE, folder / "cve.db"]
    subprocess.run(make, input=json.dumps(list(advisories)), text=True, check=True, env=environ)
    found = {}
    for style, document in {"cyclonedx": cyclonedx_document(made), "spdx": spdx_document(made)}.items():
        file, report = home / f"sbom.{style}.json", home / f"{style}.json"
        file.write_text(json.dumps(document))
        options: list[str | Path] = [
            "--offline",
            "--disable-version-check",
            "--format",
            "json",
            "--output-file",
            report,
        ]
        command = [scanner, *options, "--sbom", style, "--sbom-file", file]
        # It exits 1 if it finds something.
        done = subprocess.run(command, env=environ, cwd=home, capture_output=True, text=True, check=False, timeout=120)
        assert report.exists(), done.stderr + done.stdout
        lines = [line for line in json.loads(report.read_text()) if line["cve_number"] != "UNKNOWN"]
        found[style] = {(line["product"], line["version"], line["cve_number"]) for line in lines}
    return found


def test_the_scanner_finds_the_vulnerabilities_of_the_database(scanner: Path, tmp_path: Path) -> None:
    """Except expat: if a component has a purl, this scanner uses its name instead of the NVD's, which is libexpat."""
    found = scan(scanner, tmp_path, inventory(), ((number, *facts) for number, facts in ADVISORIES.items()))
    assert found["cyclonedx"] == found["spdx"]
    assert {(product, number) for product, _, number in found["spdx"]} == AFFECTED - {("expat", "CVE-2024-8176")}


@pytest.mark.parametrize(("build", "number"), [("3.13.13+20260602", 15), ("3.13.14+20260610", 0)])
def test_the_scanner_finds_the_vulnerabilities_of_the_openssl_database(
    scanner: Path, tmp_path: Path, build: str, number: int
) -> None:
    with zipfile.ZipFile(real_database("openssl-secjson")) as database:
        records = [json.loads(database.read(name)) for name in database.namelist() if "/CVE-" in name]
    ranges = [
        (record["cveMetadata"]["cveId"], "openssl", "openssl", version["version"], version["lessThan"])
        for record in records
        for affected in record["containers"]["cna"]["affected"]
        for version in affected.get("versions", ())
        if version["status"] == "affected" and "lessThan" in version
    ]
    for found in scan(scanner, tmp_path, inventory(*rows(entry(build, (GNU,)))), ranges).values():
        assert len(found) == number
        assert {(product, version) for product, version, _ in found} <= {("openssl", "3.5.6")}
