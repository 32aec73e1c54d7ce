from __future__ import annotations

import pytest

from provision.install.relocate.origin import Origin


def test_a_build_tells_its_prefix_and_where_it_was_compiled() -> None:
    origin = Origin.of(
        {"prefix": "/opt/py", "abs_builddir": "/b/release", "abs_srcdir": "/b/release/../Python-3.13.5", "CC": "gcc"}
    )
    assert origin == Origin(
        prefix="/opt/py", workdirs=("/b/release/../Python-3.13.5", "/b/Python-3.13.5", "/b/release")
    )


def test_without_a_prefix_of_its_own_a_build_is_taken_for_one_of_pbs() -> None:
    assert Origin.of({}) == Origin(prefix="/install")
    assert Origin.of({"prefix": "@PREFIX@", "abs_builddir": "@PREFIX@/lib"}) == Origin(prefix="/install")


@pytest.mark.parametrize("prefix", ["/", "/usr", "/usr/local", "/opt/local/"])
def test_a_prefix_that_others_share_is_no_mark_of_this_python(prefix: str) -> None:
    assert Origin.of({"prefix": prefix, "abs_builddir": prefix}) == Origin(prefix="/install")
