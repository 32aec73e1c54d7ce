"""The names by which databases know the components of a build."""

from __future__ import annotations

import pytest

from provision.advisories.records import component_of_package, component_of_product, component_of_repository


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/python/cpython",
        "https://github.com/python/cpython.git",
        "git+https://github.com/Python/CPython/",
        "git://github.com/python/cpython.git",
    ],
)
def test_a_repository_is_recognised_in_every_spelling_of_its_url(url: str) -> None:
    assert component_of_repository(url) == "cpython"


@pytest.mark.parametrize("url", ["", "https://github.com/evil/cpython", "https://github.com.evil.org/python/cpython"])
def test_other_repositories_are_not_components(url: str) -> None:
    assert component_of_repository(url) is None


@pytest.mark.parametrize(
    ("ecosystem", "name", "purl", "component"),
    [
        ("Bitnami", "python", "", "cpython"),
        ("Bitnami", "python", "pkg:bitnami/python", "cpython"),
        ("", "", "pkg:generic/openssl@3.5.6?checksum=sha256:00", "openssl"),
        ("PyPI", "pip", "pkg:pypi/pip", "pip"),
        ("PyPI", "setuptools", "", "setuptools"),
        ("npm", "openssl", "pkg:npm/openssl", None),
        ("PyPI", "zstd", "pkg:pypi/zstd", None),
        ("Debian:12", "openssl", "pkg:deb/debian/openssl", None),  # carries fixes under old versions
        ("", "openssl", "", None),
    ],
)
def test_a_package_is_a_component_by_its_purl_or_by_both_names(
    ecosystem: str, name: str, purl: str, component: str | None
) -> None:
    assert component_of_package(ecosystem, name, purl) == component


@pytest.mark.parametrize(
    ("vendor", "product", "component"),
    [
        ("Python Software Foundation", "CPython", "cpython"),
        ("OpenSSL", "OpenSSL", "openssl"),
        ("libexpat_project", "libexpat", "expat"),
        ("somebody", "OpenSSL", None),
        ("n/a", "n/a", None),
    ],
)
def test_a_product_is_a_component_by_vendor_and_name(vendor: str, product: str, component: str | None) -> None:
    assert component_of_product(vendor, product) == component
