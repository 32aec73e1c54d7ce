"""What a request asks of a build's options."""

from __future__ import annotations

import pytest

from provision.lock.demand import Demand
from provision.model.build import BuildOptions
from tests.lock.samples import request

OPTIONS = ("pgo+lto", "lto", "", "debug", "freethreaded+lto", "freethreaded+debug", "lto+static", "pgo+shared")


@pytest.mark.parametrize(
    ("asked", "accepted"),
    [
        ('"3.14"', {"pgo+lto", "lto", "", "pgo+shared"}),
        ('"3.14t"', {"freethreaded+lto"}),
        ('"3.14d"', {"debug"}),
        ('"3.14td"', {"freethreaded+debug"}),
        ('{version = "3.14", build-options = ["freethreaded"]}', {"freethreaded+lto"}),
        ('{version = "3.14", build-options = ["debug"]}', {"debug"}),
        ('{version = "3.14", build-options = []}', {"pgo+lto", "lto", "", "pgo+shared"}),
        ('{version = "3.14", build-options = ["lto"]}', {"lto"}),
        ('{version = "3.14", build-options = ["pgo", "lto"]}', {"pgo+lto"}),
        ('{version = "3.14", build-options = ["static"]}', {"lto+static"}),
        ('{version = "3.14", build-options = ["static", "noopt"]}', set()),
        ('{version = "3.14", build-options = ["shared"]}', {"pgo+shared"}),
        ('{version = "3.14t", build-options = ["lto"]}', {"freethreaded+lto"}),
    ],
)
def test_options_are_those_asked_for_and_optimisations_exactly_so(asked: str, accepted: set[str]) -> None:
    demand = Demand.of(request(asked))
    assert {options for options in OPTIONS if demand.accepts(BuildOptions.parse(options))} == accepted
