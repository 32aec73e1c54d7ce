"""The Nix expression; strings that Nix would interpret are escaped."""

from __future__ import annotations

import base64

import pytest

from provision.export.nix import export_nix
from tests.conftest import Golden
from tests.export.samples import GOLDEN, ROWS, with_url

DEFAULT = ROWS[2]


def test_the_output_is_the_expected_one(golden: Golden) -> None:
    made = export_nix(ROWS)
    golden(GOLDEN / "pythons.nix", made.text)
    assert [(each.row.label, each.reason) for each in made.left_out] == [
        ("alpine linux-x86_64-musl", "target"),
        ("default windows-x86_64", "target"),
        ("fast linux-x86_64 v3", "CPU level"),
    ]


def test_the_hash_is_the_locked_one() -> None:
    hashes = [
        line.split('"sha256-')[1].rstrip('";') for line in export_nix([DEFAULT]).text.splitlines() if "hash" in line
    ]
    assert [base64.b64decode(each).hex() for each in hashes] == [DEFAULT.asset.sha256.hex]


@pytest.mark.parametrize(
    ("url", "line", "name"),
    [
        ("https://example.com/a$(b)${c}.tar.gz", 'url = "https://example.com/a$(b)\\${c}.tar.gz"', "a--b---c-.tar.gz"),
        ("https://example.com/.hidden~1", 'url = "https://example.com/.hidden~1"', "hidden-1"),
        ("https://example.com/...", 'url = "https://example.com/..."', "archive"),
        (f"https://example.com/{'x' * 300}.gz", "url", "x" * 197 + ".gz"),
    ],
)
def test_urls_and_names_are_those_that_nix_accepts(url: str, line: str, name: str) -> None:
    text = export_nix([with_url(DEFAULT, url)]).text
    assert line in text
    assert f'name = "{name}";' in text
