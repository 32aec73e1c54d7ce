from __future__ import annotations

from provision.install.unpack.refusal import Refusal, shown


def test_a_refusal_names_the_member_it_is_about() -> None:
    assert str(Refusal("is a FIFO", "python/x")) == "member 'python/x' is a FIFO"


def test_or_else_the_archive_and_how_far_it_was_good() -> None:
    refusal = Refusal("is truncated")
    assert str(refusal) == "the archive is truncated"
    refusal.last = "python/x"
    assert str(refusal) == "the archive is truncated (in or after member 'python/x')"


def test_names_are_shown_escaped_and_cut() -> None:
    assert shown("é\n\x1b[31m\udcff'") == '"é\\n\\x1b[31m\\udcff\'"'
    assert shown("x" * 999) == f"'{'x' * 120}'…"
