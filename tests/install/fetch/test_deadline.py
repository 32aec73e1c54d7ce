"""The time one asset may take."""

from __future__ import annotations

import time

import pytest

from provision.fetch.retry import TransferError
from provision.install.fetch.deadline import Deadline
from provision.url import Url

_URL = Url.parse("https://example.com/a")


def test_there_is_time_until_there_is_none() -> None:
    deadline = Deadline(0.02)
    deadline.check(_URL)
    time.sleep(0.03)
    assert deadline.left == 0
    with pytest.raises(TransferError, match=r"longer than 0\.02 s") as caught:
        deadline.check(_URL)
    assert not caught.value.failure.again
