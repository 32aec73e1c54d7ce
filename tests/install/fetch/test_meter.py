"""Progress of one asset, told from several threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from provision.install.fetch.meter import Meter
from tests.fetch.samples import Record


def test_a_download_is_told_from_its_start_to_its_end() -> None:
    record = Record()
    meter = Meter(record, key="k", title="cpython 3.14")
    meter.begin(100, 40)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(meter.add, [10] * 6))
    meter.end()
    assert record.steps == [("cpython 3.14: fetch", 100)]
    assert record.done == {"k": 100}
    assert record.finished == ["k"]
    assert meter.gained == 60


def test_starting_over_counts_anew_but_what_was_gained_stays() -> None:
    record = Record()
    meter = Meter(record, key="k", title="t")
    meter.begin(None, 0)
    meter.add(50)
    meter.begin(100, 0)
    assert record.done == {"k": 0}
    meter.add(30)
    meter.take_back(20)
    assert record.done == {"k": 10}
    assert meter.gained == 80
