"""The model of many machines: what must be true whatever its numbers are."""

from __future__ import annotations

import pytest

from benchmarks.fleet import GBIT, Result, model
from benchmarks.fleet_model import trace

_MACHINES, _SIZE = 400, 100e6


def _model(*, rate: float = GBIT, **more: object) -> Result:
    return model("", _MACHINES, 10.0, _SIZE, rate, **more)  # type: ignore[arg-type]


def test_the_start_time_of_a_machine_does_not_depend_on_their_number() -> None:
    assert trace(1000, 10.0)[:50] == trace(50, 10.0)


@pytest.mark.parametrize(("racks", "copies"), [(0, _MACHINES), (10, 10), (1, 1)])
def test_a_cache_that_coalesces_requests_causes_one_download(racks: int, copies: int) -> None:
    result = _model(racks=racks)
    assert result.origin_bytes == pytest.approx(copies * _SIZE, rel=1e-3)
    assert len(result.ready) == _MACHINES
    assert max(result.ready) >= copies * _SIZE / GBIT - 10, "no link carries more than it can"


def test_a_cache_that_does_not_coalesce_requests_saves_nothing() -> None:
    assert _model(racks=1, coalesces=False).origin_bytes == pytest.approx(_MACHINES * _SIZE, rel=1e-3)


def test_after_a_failure_of_caches_machines_continue_with_their_parts() -> None:
    result = _model(racks=10, dying=0.5)
    assert len(result.ready) == _MACHINES
    assert 10 * _SIZE < result.origin_bytes < _MACHINES * _SIZE


def test_damaged_copies_are_requested_from_the_origin() -> None:
    assert _model(racks=10, damaged=0.01).origin_bytes == pytest.approx((10 + 4) * _SIZE, rel=1e-3)


def test_machines_that_failed_together_do_not_retry_together() -> None:
    """In the last case, as if all waited exactly as long as `Retry-After` says."""
    outage = (20.0, 120.0)
    jittered = _model(racks=0, outage=outage)
    assert len(jittered.ready) == _MACHINES
    assert jittered.peak is not None
    assert jittered.peak < _MACHINES / 5
    obeying = _model(racks=0, outage=outage, pause=lambda idle, left: 120.0)
    assert obeying.peak == _MACHINES
