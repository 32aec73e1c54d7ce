"""Verdicts: what applies, what does not, and what cannot be judged."""

from __future__ import annotations

import copy
import os
import random
import time
from pathlib import Path
from typing import Any

import pytest

from provision.advisories.judge import AdvisoryIndex, ComponentJudgement
from provision.advisories.read import read_database, read_record
from tests.advisories.corpus import (
    ALL,
    COOKIES,
    COOKIES_GIT,
    COOKIES_OSV,
    EXPAT,
    OPENSSL,
    XZ,
    ZLIB,
    encoded,
)


def index(*documents: object, **options: Any) -> AdvisoryIndex:
    found = (read_record(encoded(document), database="corpus") for document in documents)
    return AdvisoryIndex([record for record in found if record is not None], **options)


def verdict(judged: ComponentJudgement) -> str:
    if judged.applied:
        return "affected"
    return "unjudged" if judged.unjudged else "clean"


@pytest.mark.parametrize(
    ("document", "component", "version", "expected"),
    [
        (COOKIES, "cpython", "3.7.9", "affected"),
        (COOKIES, "cpython", "3.8.20", "clean"),
        (COOKIES, "cpython", "3.12.5", "affected"),
        (COOKIES, "cpython", "3.13.0rc1", "affected"),
        (COOKIES, "cpython", "3.13.0rc2", "clean"),
        (OPENSSL, "openssl", "1.1.1s", "affected"),
        (OPENSSL, "openssl", "1.1.1t", "clean"),
        (OPENSSL, "openssl", "1.1.1za", "clean"),
        (OPENSSL, "openssl", "1.0.2u", "affected"),
        (OPENSSL, "openssl", "3.0.8", "clean"),
        (EXPAT, "expat", "2.6.3", "affected"),
        (EXPAT, "expat", "2.7.1", "clean"),
        (EXPAT, "expat", "3.1", "unjudged"),  # the record itself says that it is unknown
        (EXPAT, "expat", "", "unjudged"),  # inside CPython, in an unknown version
        (XZ, "xz", "5.2.12", "clean"),
        (XZ, "xz", "5.3.3alpha", "affected"),
        (XZ, "xz", "5.8.1", "clean"),
        (COOKIES_GIT, "cpython", "3.12.5", "unjudged"),  # commits alone
        (ZLIB, "zlib", "1.2.12", "affected"),
        (ZLIB, "zlib", "1.2.13", "unjudged"),  # its release day is unknown
        (COOKIES, "openssl", "3.0.8", "clean"),
    ],
)
def test_each_record_gives_the_expected_verdict(document: object, component: str, version: str, expected: str) -> None:
    assert verdict(index(document).judge(component, version)) == expected


@pytest.mark.parametrize(
    ("version", "days", "expected"),
    [
        ("1.2.13", {"1.2.13": "20221013"}, "clean"),  # out before the record was last changed, and not listed
        ("1.3", {"1.3": "20230818"}, "unjudged"),  # the record is older
        ("1.2.14", {"1.2.13": "20221013"}, "clean"),  # one before it already had the fix
        ("1.2.5", {"1.2.5": "20110101"}, "unjudged"),  # before those that are listed
    ],
)
def test_an_unlisted_release_is_not_affected_only_if_the_record_is_newer(
    version: str, days: dict[str, str], expected: str
) -> None:
    assert verdict(index(ZLIB, release_days=lambda _: days).judge("zlib", version)) == expected


def test_without_a_fix_a_listed_series_is_always_affected() -> None:
    document = copy.deepcopy(ZLIB)
    document["affected"][0]["ranges"][0]["events"] = [{"introduced": "0"}]
    days = {"1.2.13": "20221013"}
    assert verdict(index(document, release_days=lambda _: days).judge("zlib", "1.2.13")) == "unjudged"


@pytest.mark.parametrize("seed", range(3))
def test_records_of_one_vulnerability_are_one_finding_decided_by_the_best_record(seed: int) -> None:
    documents = [COOKIES, COOKIES_OSV, COOKIES_GIT]
    random.Random(seed).shuffle(documents)
    found = index(*documents)
    (applied,) = found.judge("cpython", "3.12.5").applied
    assert (applied.id, applied.aliases) == ("CVE-2024-7592", ("BIT-python-2024-7592", "PSF-2024-9"))
    assert applied.fixed_in[0] == "3.12.6"
    # The distributor's range says that 3.9.9 and 3.13.0rc2 are affected; the vendor's own record decides.
    assert verdict(found.judge("cpython", "3.13.0rc2")) == "clean"
    # Commits alone cannot be judged, and are judged through the others.
    assert found.judge("cpython", "3.14.0").unjudged == ()


def test_a_range_that_begins_and_ends_with_one_version_is_that_version() -> None:
    events = [{"last_affected": "3.41.0"}, {"introduced": "3.41.0"}]
    package = {"ecosystem": "Bitnami", "name": "sqlite"}
    found = index({"id": "BIT-1", "affected": [{"package": package, "ranges": [{"type": "SEMVER", "events": events}]}]})
    verdicts = [verdict(found.judge("sqlite", version)) for version in ("3.40.9", "3.41.0", "3.41.1")]
    assert verdicts == ["clean", "affected", "clean"]


def test_a_record_with_a_version_that_cannot_be_ordered_is_not_judged() -> None:
    events = [{"introduced": "0"}, {"fixed": "the next release"}]
    package = {"ecosystem": "Bitnami", "name": "python"}
    found = index({"id": "BIT-2", "affected": [{"package": package, "ranges": [{"type": "SEMVER", "events": events}]}]})
    (unjudged,) = found.judge("cpython", "3.13.0").unjudged
    assert "cannot be compared" in unjudged.reason


def test_packages_of_the_same_name_in_other_ecosystems_are_ignored() -> None:
    found = index(*ALL)
    assert {component for component in ("openssl", "zstd", "expat") if found.judge(component, "0.1").applied} == {
        "expat"
    }


def real_database(name: str) -> Path:
    path = Path(os.environ.get("PROVISION_TEST_DATA", "")) / "advisories" / f"{name}.zip"
    if not path.is_file():
        pytest.skip("needs the databases of PROVISION_TEST_DATA")
    return path


def test_records_of_the_openssl_database_are_judged() -> None:
    found = AdvisoryIndex(read_database(real_database("openssl-secjson")).records)
    applied = {
        version: {each.id for each in found.judge("openssl", version).applied}
        for version in ("3.5.7", "3.5.6", "3.5.4", "3.5.3", "3.0.16", "1.1.1w")
    }
    assert {version: len(ids) for version, ids in applied.items() if version != "3.5.3"} == {
        "3.5.7": 0,
        "3.5.6": 15,
        "3.5.4": 34,
        "3.0.16": 26,
        "1.1.1w": 24,
    }
    assert len(applied["3.5.6"] - applied["3.5.7"]) == 15
    # An upgrade to another series may fix nothing and introduce much.
    assert (len(applied["3.5.3"] - applied["3.0.16"]), len(applied["3.0.16"] - applied["3.5.3"])) == (11, 0)


def test_three_real_databases_are_judged_together_and_unjudged_records_are_counted() -> None:
    began = time.process_time()
    databases = [read_database(real_database(name)) for name in ("psf", "bitnami", "openssl-secjson")]
    alone = AdvisoryIndex(databases[0].records)
    judged = alone.judge("cpython", "3.13.5")
    assert (judged.applied, len(judged.unjudged)) == ((), 130)  # commits alone; two records are on one vulnerability
    together = AdvisoryIndex(record for database in databases for record in database.records)
    versions = {"cpython": "3.13.5", "openssl": "3.5.6", "sqlite": "3.50.4", "setuptools": "70.3.0"}
    found = {component: together.judge(component, version) for component, version in versions.items()}
    assert all(judgement.applied for judgement in found.values())
    assert len(found["cpython"].unjudged) < 100
    assert time.process_time() - began < 0.5
