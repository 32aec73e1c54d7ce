"""Licences, CPEs and purls: scanners find their advisories by these strings."""

from __future__ import annotations

import pytest
from license_expression import get_spdx_licensing
from packageurl import PackageURL

from provision.catalog.components import COMPONENT_OF_ENTRY
from provision.sbom.identities import PUBLIC_DOMAIN, cpe, identity, licence, purl

NAMES = sorted({*COMPONENT_OF_ENTRY.values(), "musl", "pip", "setuptools", "zlib-ng", "python", "pypy"})


@pytest.mark.parametrize(
    ("name", "version", "expected"),
    [
        ("python", "3.13.15", "cpe:2.3:a:python:python:3.13.15:*:*:*:*:*:*:*"),
        ("python", "3.15.0rc1", "cpe:2.3:a:python:python:3.15.0:rc1:*:*:*:*:*:*"),
        ("python", "3.14.0a4", "cpe:2.3:a:python:python:3.14.0:alpha4:*:*:*:*:*:*"),
        ("python", "3.14.0b2", "cpe:2.3:a:python:python:3.14.0:beta2:*:*:*:*:*:*"),
        ("openssl", "1.1.1w", "cpe:2.3:a:openssl:openssl:1.1.1w:*:*:*:*:*:*:*"),
        ("xz", "5.8.1", "cpe:2.3:a:tukaani:xz:5.8.1:*:*:*:*:*:*:*"),
        ("zstd", "1.5.7", "cpe:2.3:a:facebook:zstandard:1.5.7:*:*:*:*:*:*:*"),
        ("expat", "2.7.1+x~1", "cpe:2.3:a:libexpat_project:libexpat:2.7.1\\+x\\~1:*:*:*:*:*:*:*"),
        ("setuptools", "82.0.1", "cpe:2.3:a:python:setuptools:82.0.1:*:*:*:*:*:*:*"),
        ("libedit", "20240808-3.1", ""),
        ("expat", "", ""),
        ("no-such-component", "1.0", ""),
    ],
)
def test_each_component_has_its_cpe(name: str, version: str, expected: str) -> None:
    assert cpe(name, version) == expected


@pytest.mark.parametrize(
    ("name", "version", "expected"),
    [
        ("openssl", "3.5.7", "pkg:generic/openssl@3.5.7"),
        ("libX11", "1.6.12", "pkg:generic/libX11@1.6.12"),
        ("pip", "26.2.1", "pkg:pypi/pip@26.2.1"),
        ("setuptools", "82.0.1", "pkg:pypi/setuptools@82.0.1"),
        ("expat", "", ""),
    ],
)
def test_each_component_has_its_purl(name: str, version: str, expected: str) -> None:
    assert purl(name, version) == expected


@pytest.mark.parametrize("url", ["https://example.com/3.13%2B1/a.tar.gz", "https://example.com/ä b~_?x=1&y=@:2#z"])
def test_the_purl_of_an_archive_equals_that_of_packageurl(url: str) -> None:
    made = purl("python", "3.13.15+1", sha256="ab" * 32, url=url)
    qualifiers = {"checksum": f"sha256:{'ab' * 32}", "download_url": url}
    assert made == PackageURL("generic", None, "python", "3.13.15+1", qualifiers).to_string()
    assert PackageURL.from_string(made).qualifiers == qualifiers


def test_a_plus_in_the_url_is_escaped_twice() -> None:
    assert purl("python", "1", sha256="0", url="https://example.com/a%2Bb").endswith("=https://example.com/a%252Bb")


@pytest.mark.parametrize("name", NAMES)
def test_every_component_has_a_licence_of_spdx_and_its_source(name: str) -> None:
    known = identity(name)
    assert known.licence
    assert known.source
    assert get_spdx_licensing().validate(known.licence).errors == []


@pytest.mark.parametrize(
    ("name", "version", "expected"),
    [
        ("openssl", "1.1.1w", "OpenSSL"),
        ("openssl", "3.0.0", "Apache-2.0"),
        ("openssl", "", ""),
        ("xz", "5.2.12", PUBLIC_DOMAIN),
        ("xz", "5.4.10", PUBLIC_DOMAIN),
        ("xz", "5.10.0", "0BSD"),
        ("expat", "", "MIT"),
        ("pip (in ensurepip)", "", "MIT"),
        ("graalpy", "25.0.1", ""),
    ],
)
def test_the_licence_depends_on_the_version(name: str, version: str, expected: str) -> None:
    assert licence(name, version).licence == expected
