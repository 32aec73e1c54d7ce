"""How much an archive may unpack to, and what its refusal says."""

from __future__ import annotations

import pytest

from provision.errors import UsageError
from provision.unpack.limits import ArchiveRefused, Limits, shown_name

MIB = 1 << 20


def test_an_archive_may_unpack_to_a_hundred_times_its_size() -> None:
    assert Limits().budget(10 * MIB) == 1000 * MIB


def test_small_archives_may_unpack_to_64_mib_and_none_to_more_than_4_gib() -> None:
    assert Limits().budget(100) == 64 * MIB
    assert Limits().budget(1000 * MIB) == 4096 * MIB


@pytest.mark.parametrize(
    ("text", "size"), [("6G", 6 << 30), ("512MiB", 512 << 20), ("100k", 100 << 10), ("5000", 5000), (" 1GB ", 1 << 30)]
)
def test_a_variable_sets_the_size_and_removes_the_ratio(text: str, size: int) -> None:
    assert Limits.of({"PROVISION_MAX_UNPACKED": text}).budget(1) == size


def test_without_the_variable_the_defaults_apply() -> None:
    assert Limits.of({}) == Limits.of({"PROVISION_MAX_UNPACKED": ""}) == Limits()


@pytest.mark.parametrize("text", ["much", "-1", "1T", "1.5G", "0x10", "G"])
def test_an_invalid_size_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError, match=r"PROVISION_MAX_UNPACKED: expected .* such as 6G; got "):
        Limits.of({"PROVISION_MAX_UNPACKED": text})


def test_a_refusal_names_its_member() -> None:
    assert str(ArchiveRefused("is a FIFO", "python/x")) == "member 'python/x' is a FIFO"


def test_a_refusal_without_a_member_names_the_archive_and_the_last_valid_member() -> None:
    refused = ArchiveRefused("is truncated")
    assert str(refused) == "the archive is truncated"
    refused.last = "python/x"
    assert str(refused) == "the archive is truncated (in or after member 'python/x')"


def test_names_are_escaped_and_shortened_in_messages() -> None:
    assert shown_name("é\n\x1b[31m\udcff'") == '"é\\n\\x1b[31m\\udcff\'"'
    assert shown_name("x" * 999) == f"'{'x' * 120}'…"
