"""Assets, their build options and digests: what each text means, and that `parse` and `str` are inverses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.model.asset import OPTIONS, BuildOptions, Digest
from tests.model.samples import asset


@given(st.sets(st.sampled_from(OPTIONS)))
def test_options_are_formatted_in_the_order_of_asset_names(names: set[str]) -> None:
    options = BuildOptions.of(names)
    assert BuildOptions.parse(str(options)) == options
    assert list(options) == sorted(names)


def test_unknown_options_are_named() -> None:
    with pytest.raises(ValueError, match="'jit' is not a build option"):
        BuildOptions.parse("pgo+jit")


@pytest.mark.parametrize(
    ("text", "suffix"), [("", ""), ("freethreaded", "t"), ("debug", "d"), ("freethreaded+debug", "td")]
)
def test_the_abi_suffix_is_that_of_the_executable(text: str, suffix: str) -> None:
    assert BuildOptions.parse(text).abi_suffix == suffix


def test_digests_are_read_with_their_prefix_and_in_any_case() -> None:
    assert str(Digest.parse("sha256:" + "AB" * 32)) == "ab" * 32
    for wrong in ("", "ab" * 31, "sha512:" + "ab" * 32, "zz" * 32):
        with pytest.raises(ValueError, match="is not a sha256"):
            Digest.parse(wrong)


def test_a_file_name_is_the_last_part_of_its_url() -> None:
    assert asset().filename == "cpython-3.14.7+20260814-x.tar.gz"


def test_a_title_distinguishes_assets() -> None:
    assert asset().title == "cpython 3.14.7+20260814 freethreaded+pgo+lto install_only_stripped linux-x86_64 v3"
    assert asset(cpu="baseline", options=BuildOptions()).title == (
        "cpython 3.14.7+20260814 install_only_stripped linux-x86_64"
    )
