"""Connections are bounded in all, yet no download waits for its first one."""

from __future__ import annotations

from provision.fetch.context import ConnectionBudget


def test_further_connections_are_had_until_the_bound() -> None:
    budget = ConnectionBudget(3)
    with budget.first():
        assert [budget.try_acquire() for _ in range(3)] == [True, True, False]
        budget.release()
        assert budget.try_acquire()


def test_a_first_connection_is_always_had_and_crowds_out_further_ones() -> None:
    budget = ConnectionBudget(2)
    with budget.first():
        assert budget.try_acquire()
        with budget.first():
            crowded = (budget.is_exceeded, budget.try_acquire())
            assert crowded == (True, False)
        calm = budget.is_exceeded
        assert not calm
