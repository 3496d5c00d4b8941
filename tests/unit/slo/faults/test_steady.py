"""A load ends early only when the pipeline has kept up for a while, long enough after the fault."""

from __future__ import annotations

from slo.faults.steady import POSTGRES_BEHIND_SECONDS, REDIS_BEHIND_SECONDS, STEADY_SECONDS, Steady

RATE = 1000.0
WATCHED = 20.0
STRUCK, ENDED = 10, 12


def ends_at(redis_behind: float, postgres_behind: float, until: int) -> int | None:
    """Second of the load at which it would end if both stores are so many seconds behind from the fault until then."""
    steady = Steady(RATE)
    for second in range(1, 100):
        hurt = STRUCK < second <= until
        redis = (second - 0.3 - (redis_behind if hurt else 0)) * RATE
        postgres = (second - 2.0 - (postgres_behind if hurt else 0)) * RATE
        over = float(ENDED) if second >= ENDED else None
        if steady.look(float(second), int(redis), int(postgres), over, struck=second >= STRUCK, watched=WATCHED):
            return second
    return None


def test_a_fault_that_does_not_hurt_is_watched_all_the_same() -> None:
    assert ends_at(0.0, 0.0, until=0) == ENDED + WATCHED


def test_the_load_goes_on_while_one_store_is_behind() -> None:
    late = 50
    assert ends_at(REDIS_BEHIND_SECONDS + 0.1, 0.0, until=late) == late + 1 + STEADY_SECONDS
    assert ends_at(0.0, POSTGRES_BEHIND_SECONDS + 0.1, until=late) == late + 1 + STEADY_SECONDS


def test_a_store_that_stays_behind_never_ends_it() -> None:
    assert ends_at(2.0, 0.0, until=100) is None


def test_nothing_ends_before_the_fault_does() -> None:
    steady = Steady(RATE)
    for second in range(1, 100):
        counted = int(second * RATE)
        assert not steady.look(second, counted, counted, None, struck=second > STRUCK, watched=WATCHED)
