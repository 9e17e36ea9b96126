from dataclasses import replace

import pytest
from crampwatch.collector.policy.backfill import MAX_REQUEST_S, MAX_REQUESTS, BackfillPlan, plan_backfill
from crampwatch.decoding.boot import Boot
from crampwatch.protocol.control import RingReport
from crampwatch.protocol.info import Capability, Info, RingState
from hypothesis import given
from hypothesis import strategies as st
from signals.sensor_records import EMG, PaperSensor

ABLE = Capability.SIMULATED | Capability.BACKFILL


def boot_with_gap(first: int, end: int, *, capabilities: Capability = ABLE) -> tuple[Boot, PaperSensor]:
    sensor = PaperSensor(first_index=first)
    boot = Boot(Info.decode(sensor.info(capabilities=capabilities)), 0)
    boot.place_frame(sensor.frame(end, 50), round((end + 50 - first) * 1e6))
    return boot, sensor


def rings(boot: Boot, oldest: int, next_index: int) -> RingReport:
    return RingReport(boot.info.boot_id, 0, ((1, RingState(10**6, oldest & 0xFFFFFFFF, next_index & 0xFFFFFFFF)),))


@given(st.integers(0, 2**32 + 5000), st.integers(1, 400_000), st.integers(-500_000, 450_000))
def test_what_the_ring_holds_is_asked_for_and_the_rest_given_up(
    first: int, length: int, oldest_from_first: int
) -> None:
    end = first + length
    boot, _ = boot_with_gap(first, end)
    oldest = min(max(first + oldest_from_first, 0), end + 50)
    made = plan_backfill(boot, rings(boot, oldest, end + 50), round((length + 50) * 1e6))
    begin = boot.primary.gaps[0][0]
    lost = sum(b - a for _, (a, b) in made.lost)
    held = max(0, boot.primary.gaps[0][1] - max(begin, oldest - first + begin if first >= 2**32 else oldest))
    asked = sum(one.count for one in made.requests)
    assert asked == min(held, MAX_REQUESTS * round(MAX_REQUEST_S * 1000))
    assert lost == length - held
    assert all(one.count <= MAX_REQUEST_S * 1000 for one in made.requests)
    expected = (boot.primary.gaps[0][1] - held) & 0xFFFFFFFF
    assert not made.requests or made.requests[0].first_index == expected


def test_a_sensor_without_a_ring_is_asked_for_nothing() -> None:
    boot, _ = boot_with_gap(0, 1000, capabilities=Capability.SIMULATED)
    made = plan_backfill(boot, rings(boot, 0, 1050), 1_050_000_000)
    assert (made.requests, made.lost) == ((), ())


def test_the_ring_of_another_boot_says_nothing_of_this_one() -> None:
    boot, _ = boot_with_gap(0, 1000)
    report = RingReport(boot.info.boot_id + 1, 0, ((1, RingState(10, 900, 1000)),))
    assert plan_backfill(boot, report, 0).lost == ()


def test_a_request_is_never_longer_than_the_protocol_allows() -> None:
    fast = replace(EMG, rate_hz=8000.0)
    sensor = PaperSensor(stream=fast)
    boot = Boot(Info.decode(sensor.info(capabilities=ABLE)), 0)
    boot.place_frame(sensor.frame(70_000, 50), round(70_050 / 8000 * 1e9))
    made = plan_backfill(boot, rings(boot, 0, 70_050), round(70_050 / 8000 * 1e9))
    assert [one.count for one in made.requests] == [65_535, 70_000 - 65_535]


def test_a_stream_that_the_sensor_did_not_describe_is_ignored() -> None:
    boot, _ = boot_with_gap(0, 1000)
    report = RingReport(boot.info.boot_id, 0, ((2, RingState(10**6, 0, 1050)),))
    assert plan_backfill(boot, report, 1_050_000_000) == BackfillPlan()


@pytest.mark.parametrize(
    ("oldest", "requested", "lost"),
    [(0, [(0, 1000)], []), (1, [(1, 999)], [(0, 1)]), (999, [(999, 1)], [(0, 999)]), (1000, [], [(0, 1000)])],
)
def test_a_gap_is_divided_at_the_oldest_sample_in_the_ring(
    oldest: int, requested: list[tuple[int, int]], lost: list[tuple[int, int]]
) -> None:
    boot, _ = boot_with_gap(0, 1000)
    made = plan_backfill(boot, rings(boot, oldest, 1050), 1_050_000_000)
    assert [(one.first_index, one.count) for one in made.requests] == requested
    assert [span for _, span in made.lost] == lost


def test_samples_that_the_sensor_has_not_stored_yet_are_neither_requested_nor_lost() -> None:
    boot, _ = boot_with_gap(0, 1000)
    made = plan_backfill(boot, rings(boot, 0, 600), 1_050_000_000)
    assert [(one.first_index, one.count) for one in made.requests] == [(0, 600)]
    assert made.lost == ()


def test_the_number_of_requests_is_bounded_over_all_gaps() -> None:
    boot, sensor = boot_with_gap(0, 100_000)
    boot.place_frame(sensor.frame(200_050, 50), 200_100_000_000)
    assert len(boot.primary.gaps) == 2
    made = plan_backfill(boot, rings(boot, 0, 200_100), 200_100_000_000)
    assert len(made.requests) == MAX_REQUESTS
