"""The nouns: what each text means, and that `parse` and `str` are inverses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.model.asset import OPTIONS, Asset, BuildOptions, Digest
from provision.model.target import KNOWN_TARGETS, Target
from provision.model.tree import Entry, TreeOptions, store_key, tree_digest
from provision.model.version import Version

LINUX = Target.parse("linux-x86_64")
NUMBERS = st.integers(0, 9999)
VERSIONS = st.builds(
    "{}.{}.{}{}".format,
    NUMBERS,
    NUMBERS,
    NUMBERS,
    st.just("") | st.builds("{}{}".format, st.sampled_from(("a", "b", "rc")), NUMBERS),
)


def asset(**changes: object) -> Asset:
    facts: dict[str, object] = {
        "implementation": "cpython",
        "version": Version.parse("3.14.7"),
        "build": "20260814",
        "target": LINUX,
        "cpu": "v3",
        "options": BuildOptions.parse("freethreaded+pgo+lto"),
        "flavor": "install_only_stripped",
        "url": "https://example.com/20260814/cpython-3.14.7%2B20260814-x.tar.gz?token=1",
        "sha256": Digest("ab" * 32),
    }
    return Asset(**{**facts, **changes})  # type: ignore[arg-type]


@given(VERSIONS)
def test_a_version_reads_back_as_it_was_written(text: str) -> None:
    assert str(Version.parse(text)) == text


def test_prereleases_come_before_their_release() -> None:
    texts = ["3.14.9", "3.15.0a1", "3.15.0a2", "3.15.0b1", "3.15.0rc1", "3.15.0rc2", "3.15.0", "3.15.1rc1", "3.15.1"]
    assert sorted(map(Version.parse, reversed(texts))) == [Version.parse(text) for text in texts]


@pytest.mark.parametrize(
    "text", ["", "3", "3.14", "3.14.x", "3.14.1.1", "3.14.1-rc1", "03.1.1 ", "3.14.1rc", "³.1.1", "３.１４.２"]
)
def test_what_is_no_version_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a Python version"):
        Version.parse(text)


def test_every_target_has_a_triple_and_a_short_form() -> None:
    for triple, target in KNOWN_TARGETS.items():
        assert Target.parse(triple) == Target.parse(target.short) == target
        assert str(target) == triple


@pytest.mark.parametrize(
    ("text", "triple"),
    [
        ("linux-x86_64", "x86_64-unknown-linux-gnu"),
        ("linux-amd64-musl", "x86_64-unknown-linux-musl"),
        ("darwin-arm64", "aarch64-apple-darwin"),
        ("win32-x86", "i686-pc-windows-msvc"),
        ("linux-armv7", "armv7-unknown-linux-gnueabihf"),
    ],
)
def test_short_forms_and_what_people_also_call_them(text: str, triple: str) -> None:
    assert str(Target.parse(text)) == triple


def test_a_label_names_the_level_only_above_the_baseline() -> None:
    target = Target.parse("linux-x86_64-musl")
    assert (target.label("baseline"), target.label("v3")) == ("linux-x86_64-musl", "linux-x86_64-musl v3")


@given(st.sets(st.sampled_from(OPTIONS)))
def test_options_read_back_in_the_order_of_asset_names(names: set[str]) -> None:
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


def test_a_key_tells_the_asset_and_the_recipe() -> None:
    key = store_key(asset(), TreeOptions())
    assert key.startswith("cpython-3.14.7+20260814-x86_64_v3-unknown-linux-gnu-freethreaded-install_only_stripped-")
    assert store_key(asset(flavor="full"), TreeOptions()).count("freethreaded+pgo+lto-full") == 1
    assert store_key(asset(url="https://mirror.example.com/x"), TreeOptions()) == key


@pytest.mark.parametrize(
    "options",
    [TreeOptions(bytecode=True), TreeOptions(externally_managed=False), TreeOptions(without=("tests",))],
    ids=str,
)
def test_what_changes_a_tree_changes_its_key(options: TreeOptions) -> None:
    assert store_key(asset(), options) != store_key(asset(), TreeOptions())


def test_a_tree_digest_is_of_paths_types_modes_and_contents() -> None:
    entries = {"bin/python": Entry("link", 0o777, "python3"), "lib/os.py": Entry("file", 0o644, "00" * 32, 1)}
    digest = tree_digest(entries)
    assert tree_digest(dict(reversed(entries.items()))) == digest
    assert tree_digest({**entries, "lib": Entry("dir", 0o755)}) == digest
    assert tree_digest({**entries, "lib/__pycache__/os.pyc": Entry("file", 0o644, "11" * 32, 1)}) == digest
    for changed in (
        {**entries, "lib/os.py": Entry("file", 0o755, "00" * 32, 1)},
        {**entries, "lib/os.py": Entry("file", 0o644, "01" * 32, 1)},
        {**entries, "bin/python": Entry("link", 0o777, "python4")},
        {"lib/os.py": entries["lib/os.py"]},
    ):
        assert tree_digest(changed) != digest
