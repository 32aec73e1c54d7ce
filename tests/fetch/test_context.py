"""Connections are bounded in all, yet no download waits for its first one."""

from __future__ import annotations

from provision.fetch.context import ConnectionBudget


def test_further_connections_are_had_until_the_bound() -> None:
    slots = ConnectionBudget(3)
    with slots.first():
        assert [slots.take_further() for _ in range(3)] == [True, True, False]
        slots.give_back()
        assert slots.take_further()


def test_a_first_connection_is_always_had_and_crowds_out_further_ones() -> None:
    slots = ConnectionBudget(2)
    with slots.first():
        assert slots.take_further()
        with slots.first():
            crowded = (slots.is_crowded, slots.take_further())
            assert crowded == (True, False)
        calm = slots.is_crowded
        assert not calm
