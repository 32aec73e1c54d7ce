"""The total number of connections is limited, yet no download waits for its first one."""

from __future__ import annotations

from provision.fetch.context import ConnectionBudget


def test_further_connections_are_acquired_up_to_the_limit() -> None:
    budget = ConnectionBudget(3)
    with budget.first():
        assert [budget.try_acquire() for _ in range(3)] == [True, True, False]
        budget.release()
        assert budget.try_acquire()


def test_a_first_connection_never_waits_and_may_exceed_the_limit() -> None:
    budget = ConnectionBudget(2)
    with budget.first():
        assert budget.try_acquire()
        with budget.first():
            exceeded = (budget.is_exceeded, budget.try_acquire())
            assert exceeded == (True, False)
        released = budget.is_exceeded
        assert not released
