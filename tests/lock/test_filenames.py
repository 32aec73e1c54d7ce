"""A file's name compared with its row, and with the request of a custom archive."""

from __future__ import annotations

import pytest

from provision.catalog.snapshot import bundled_catalog
from provision.errors import ManifestError
from provision.lock.filenames import catalog_disagreements, custom_assets, name_disagreements
from provision.model.asset import BuildOptions
from provision.model.target import Target
from provision.model.value import replace
from provision.model.version import Version
from tests.lock.samples import asset, custom_request, digest, lock

PLAIN = "https://example.com/python.tar.gz"
PACKED = "https://example.com/x/cpython-3.13.5%2B20260101-x86_64-unknown-linux-gnu-freethreaded%2Bpgo-full.tar.zst"
EARLY = "https://example.com/20200418/cpython-3.8.2-x86_64-unknown-linux-gnu-pgo-20200418T2305.tar.zst"


def test_every_published_archive_agrees_with_its_own_name() -> None:
    """Of each tenth version, in all eras."""
    catalog = bundled_catalog()
    rows = [
        row
        for version in catalog.versions("cpython")[::10]
        for build in catalog.builds("cpython", version)
        for row in catalog.assets("cpython", version, build)
    ]
    assert len(rows) > 1000
    assert [row.filename for row in rows if name_disagreements(row)] == []


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"version": Version.parse("3.14.6")}, "version"),
        ({"build": "20260101"}, "build"),
        ({"target": Target.parse("linux-aarch64")}, "target"),
        ({"cpu": "v3"}, "cpu"),
        ({"options": BuildOptions.parse("freethreaded+pgo+lto")}, "options"),
        ({"flavor": "install_only"}, "flavor"),
    ],
)
def test_each_property_that_differs_from_the_file_name_is_reported(changes: dict[str, object], what: str) -> None:
    (found,) = name_disagreements(replace(asset(), **changes))
    assert found.key == what
    assert found.filename in found.message


def test_file_names_of_unknown_form_agree_with_every_row() -> None:
    assert name_disagreements(asset("3.11.13+7.3.19", implementation="pypy")) == ()


def test_a_catalog_row_is_compared_beyond_its_file_name() -> None:
    (found,) = catalog_disagreements(replace(asset(), options=BuildOptions.parse("noopt")), asset())
    assert (found.key, found.stated, found.locked) == ("options", "pgo+lto", "noopt")


def refusal(url: str, **given: str) -> str:
    with pytest.raises(ManifestError) as caught:
        custom_assets(custom_request({"linux-x86_64": url}, **given))
    return caught.value.message


def test_for_file_names_of_unknown_form_only_the_request_is_used() -> None:
    asset = custom_assets(custom_request({"linux-x86_64": PLAIN}))[0]
    assert asset.title == "cpython 3.13.5+local install_only linux-x86_64"
    assert (asset.url, asset.sha256) == (PLAIN, digest(PLAIN))
    more = 'flavor = "full", build = "7", debug = true, build-options = ["noopt"], cpu = "v3"'
    asset = custom_assets(custom_request({"linux-x86_64": PLAIN}, more=more))[0]
    assert asset.title == "cpython 3.13.5+7 debug+noopt full linux-x86_64 v3"


def test_a_file_name_of_pbs_completes_the_request() -> None:
    asset = custom_assets(custom_request({"linux-x86_64": PACKED}, more="freethreaded = true"))[0]
    assert asset.title == "cpython 3.13.5+20260101 freethreaded+pgo full linux-x86_64"


def test_an_early_file_name_gets_its_build_from_the_request() -> None:
    assert custom_assets(custom_request({"linux-x86_64": EARLY}, version="3.8.2"))[0].build == "local"
    assert (
        custom_assets(custom_request({"linux-x86_64": EARLY}, version="3.8.2", more='build = "20200418"'))[0].build
        == "20200418"
    )


@pytest.mark.parametrize(
    ("version", "more", "means"),
    [
        ("3.13.4", "freethreaded = true", "version 3.13.5, the entry says 3.13.4"),
        ("3.13.5", "", "freethreaded true, the entry says false"),
        ("3.13.5t", "debug = true", "debug false, the entry says true"),
        ("3.13.5t", 'build = "20260102"', "build 20260101, the entry says 20260102"),
        ("3.13.5t", 'flavor = "install_only"', "flavor full, the entry says install_only"),
        ("3.13.5t", 'build-options = ["lto"]', "build-options pgo, the entry says lto"),
        ("3.13.5t", 'build-options = ["static"]', "build-options none, the entry says static"),
        ("3.13.5t", 'cpu = "v3"', "cpu baseline, the entry says v3"),
    ],
)
def test_a_file_name_must_agree_with_its_request(version: str, more: str, means: str) -> None:
    name = "cpython-3.13.5+20260101-x86_64-unknown-linux-gnu-freethreaded+pgo-full.tar.zst"
    told = refusal(PACKED, version=version, more=more)
    assert told == f"{name} (linux-x86_64): the file name means {means}"


def test_a_file_name_of_another_target_is_refused() -> None:
    with pytest.raises(
        ManifestError, match="means target x86_64-unknown-linux-gnu, the entry says aarch64-apple-darwin"
    ):
        custom_assets(custom_request({"macos-aarch64": PACKED}, version="3.13.5t"))


def test_a_debug_build_is_not_optimised() -> None:
    url = PACKED.replace("freethreaded%2Bpgo", "debug")
    assert refusal(url, more='debug = true, build-options = ["lto"]').endswith("build-options none, the entry says lto")


@pytest.mark.parametrize(
    ("url", "version", "more"),
    [
        (PACKED, "3.13.5t", ""),
        (PACKED, "3.13.5t", 'build-options = ["pgo"]'),
        (PACKED.replace("full.tar.zst", "install_only.tar.gz").replace("%2Bpgo", ""), "3.13.5t", ""),
        (EARLY, "3.8.2", 'build = "20200418"'),
        (EARLY, "3.8.2", ""),
    ],
)
def test_the_row_of_a_request_agrees_with_its_file_name(url: str, version: str, more: str) -> None:
    (row,) = custom_assets(custom_request({"linux-x86_64": url}, version=version, more=more))
    assert name_disagreements(row) == ()


def test_all_archives_of_an_entry_are_of_one_build_and_flavor() -> None:
    mac = "https://example.com/x/cpython-3.13.5%2B20260202-aarch64-apple-darwin-freethreaded%2Bpgo-full.tar.zst"
    with pytest.raises(ManifestError, match="the archives of the entry differ in build: 20260101, 20260202"):
        custom_assets(custom_request({"linux-x86_64": PACKED, "macos-aarch64": mac}, version="3.13.5t"))


def test_other_implementations_have_their_own_file_names() -> None:
    url = "https://downloads.python.org/pypy/pypy3.11-v7.3.20-linux64.tar.bz2"
    asset = custom_assets(custom_request({"linux-x86_64": url}, version="pypy3.11.13", more='build = "7.3.20"'))[0]
    assert asset.title == "pypy 3.11.13+7.3.20 install_only linux-x86_64"


def test_custom_archives_are_locked_without_a_catalog() -> None:
    table = f'version = "3.13.5", url = {{ linux-x86_64 = "{PLAIN}" }}, sha256 = {{ linux-x86_64 = "{"a" * 64}" }}'
    assert lock(f"a = {{ {table} }}").pythons[0].build == "local"
