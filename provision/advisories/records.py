"""`AdvisoryRecord`: one database's statement on one vulnerability.

Names are matched by a closed table of repositories, purls and vendor/product pairs, and never by a name alone: npm's
``openssl`` and PyPI's ``zstd`` are different packages.
"""

from __future__ import annotations

from typing import Literal

from provision.advisories.versions import VersionKey
from provision.manifest.keys import AdvisorySeverity
from provision.model.value import frozen

Verdict = Literal["affected", "clean", "unjudged"]
# Which of several records on one vulnerability decides: the first kind that can judge.
Basis = Literal["cna", "adp", "range", "git-versions", "git"]
BASES: tuple[Basis, ...] = ("cna", "adp", "range", "git-versions", "git")


@frozen
class Interval:
    """The versions from ``low`` on; without ``high``, all later ones. ``fixed`` is the spelling of an exclusive end."""

    low: VersionKey | None = None
    high: VersionKey | None = None
    inclusive: bool = False
    fixed: str = ""

    def __contains__(self, key: VersionKey) -> bool:
        if self.low is not None and key < self.low:
            return False
        if self.high is None:
            return True
        return key <= self.high if self.inclusive else key < self.high


@frozen
class Statement:
    """A record's statement on one component.

    ``affected`` and ``unaffected`` are intervals; ``otherwise`` is the verdict on all other versions. With the basis
    ``git-versions``, ``listed`` has the affected releases, and ``has_fix`` says whether a fix is known. If the
    statement cannot be judged, ``problem`` says why.
    """

    component: str
    basis: Basis
    affected: tuple[Interval, ...] = ()
    unaffected: tuple[Interval, ...] = ()
    otherwise: Verdict = "clean"
    listed: tuple[VersionKey, ...] = ()
    has_fix: bool = True
    problem: str = ""


@frozen
class AdvisoryRecord:
    """One record. ``modified`` is a time in the form of the record; ``database`` names its origin."""

    id: str
    aliases: frozenset[str]
    database: str
    modified: str
    severity: AdvisorySeverity
    summary: str
    statements: tuple[Statement, ...]


_REPOSITORIES = {
    "github.com/python/cpython": "cpython",
    "github.com/openssl/openssl": "openssl",
    "github.com/libexpat/libexpat": "expat",
    "github.com/madler/zlib": "zlib",
    "github.com/zlib-ng/zlib-ng": "zlib-ng",
    "github.com/tukaani-project/xz": "xz",
    "github.com/libffi/libffi": "libffi",
    "github.com/facebook/zstd": "zstd",
    "github.com/sqlite/sqlite": "sqlite",
    "github.com/pypa/pip": "pip",
    "github.com/pypa/setuptools": "setuptools",
}
_GENERIC = ("openssl", "expat", "zlib", "zlib-ng", "xz", "libffi", "zstd", "sqlite", "ncurses", "bzip2", "tcl", "tk")
_PURLS = {
    **{f"pkg:generic/{name}": name for name in _GENERIC},
    "pkg:generic/python": "cpython",
    "pkg:bitnami/python": "cpython",
    "pkg:bitnami/sqlite": "sqlite",
    "pkg:bitnami/setuptools": "setuptools",
    "pkg:pypi/pip": "pip",
    "pkg:pypi/setuptools": "setuptools",
}
_PACKAGES = {
    ("Bitnami", "python"): "cpython",
    ("Bitnami", "sqlite"): "sqlite",
    ("Bitnami", "setuptools"): "setuptools",
    ("PyPI", "pip"): "pip",
    ("PyPI", "setuptools"): "setuptools",
}
_PRODUCTS = {
    ("python software foundation", "cpython"): "cpython",
    ("openssl", "openssl"): "openssl",
    ("sqlite", "sqlite"): "sqlite",
    ("libexpat_project", "libexpat"): "expat",
    ("libexpat project", "libexpat"): "expat",
    ("tukaani-project", "xz"): "xz",
    ("madler", "zlib"): "zlib",
    ("pypa", "pip"): "pip",
    ("pypa", "setuptools"): "setuptools",
}


def component_of_repository(url: str) -> str | None:
    """The component whose source is in a repository, whatever the spelling of the URL."""
    place = url.strip().lower().removeprefix("git+").removeprefix("https://").removeprefix("git://")
    return _REPOSITORIES.get(place.rstrip("/").removesuffix(".git"))


def component_of_package(ecosystem: str, name: str, purl: str) -> str | None:
    """The component that a package of an ecosystem is, by its purl or by both of its names."""
    bare = purl.partition("?")[0].partition("@")[0]
    return _PURLS.get(bare) or _PACKAGES.get((ecosystem.partition(":")[0], name))


def component_of_product(vendor: str, product: str) -> str | None:
    """The component that a vendor's product is, as CVE records name both."""
    return _PRODUCTS.get((vendor.strip().lower(), product.strip().lower()))
