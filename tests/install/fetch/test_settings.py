"""The numbers, and the variables that change them."""

from __future__ import annotations

import pytest

from provision.errors import UsageError
from provision.fetch.settings import GIB, MIB, Settings


def test_without_variables_the_defaults_hold() -> None:
    assert Settings.of({}) == Settings()
    assert Settings().largest_archive == 2 * GIB


def test_variables_change_times_and_the_largest_archive() -> None:
    environ = {"PROVISION_TIMEOUT": "2.5", "PROVISION_DEADLINE": "60", "PROVISION_MAX_ARCHIVE": "100"}
    settings = Settings.of(environ)
    assert (settings.idle, settings.connect, settings.total) == (2.5, 2.5, 60.0)
    assert settings.largest_archive == 100 * MIB


def test_a_longer_timeout_leaves_connecting_as_it_is() -> None:
    assert Settings.of({"PROVISION_TIMEOUT": "300"}).connect == Settings().connect


@pytest.mark.parametrize("name", ["PROVISION_TIMEOUT", "PROVISION_DEADLINE", "PROVISION_MAX_ARCHIVE"])
@pytest.mark.parametrize("text", ["soon", "0", "-1", "inf", "nan"])
def test_a_variable_that_makes_no_sense_is_a_usage_error(name: str, text: str) -> None:
    with pytest.raises(UsageError, match=name):
        Settings.of({name: text})
