import numpy as np
import pytest
from crampwatch.decoding.assembly import StreamAssembly
from crampwatch.protocol.errors import FrameError
from crampwatch.protocol.frame import Frame, FrameFlag, decode_samples
from hypothesis import given
from hypothesis import strategies as st
from signals.sensor_records import EMG, TICK_HZ, PaperSensor, counts_at

STORED = FrameFlag.STORED


def assembly(sensor: PaperSensor, *, begin: int | None = None) -> StreamAssembly:
    first = sensor.first_index if begin is None else begin
    return StreamAssembly(EMG, tick_hz=TICK_HZ, begin=first, host_ns=0)


def arrival_ns(sensor: PaperSensor, frame_end: int) -> int:
    return round(sensor.time_of(frame_end) * 1e9) + 20_000_000


@st.composite
def journeys(draw: st.DrawFn) -> tuple[PaperSensor, list[tuple[int, int, bool]]]:
    """Frames of a stream near the wrap: some lost, some twice, then parts of it again as stored frames, shuffled in."""
    sensor = PaperSensor(first_index=draw(st.integers(2**32 - 3000, 2**32 + 10)), first_ticks=2**32 - 20_000)
    sizes = draw(st.lists(st.integers(1, 57), min_size=1, max_size=40))
    first, live = sensor.first_index, []
    for size in sizes:
        live.append((first, size, False))
        first += size
    arrived = [frame for frame in live for _ in range(draw(st.sampled_from([0, 1, 1, 1, 2])))]
    for _ in range(draw(st.integers(0, 8))):
        begin = draw(st.integers(sensor.first_index, first - 1))
        stored = (begin, draw(st.integers(1, min(57, first - begin))), True)
        arrived.insert(draw(st.integers(0, len(arrived))), stored)
    return sensor, arrived


@given(journeys())
def test_every_sample_that_arrived_is_there_once_and_the_rest_is_a_gap(
    journey: tuple[PaperSensor, list[tuple[int, int, bool]]],
) -> None:
    sensor, arrived = journey
    one = assembly(sensor)
    assembled: dict[int, tuple[int, ...]] = {}
    latest = sensor.first_index
    wraps = None
    for first, size, is_stored in arrived:
        latest = max(latest, first + size)
        frame = sensor.frame(first, size, STORED if is_stored else FrameFlag(0))
        placed = one.place(frame, arrival_ns(sensor, latest), is_stored=is_stored)
        assert placed.first_index == first
        off_ticks = placed.ticks - sensor.ticks_at(sensor.time_of(first))
        # Which wrap of the clock is counted from is the first frame's to decide.
        wraps = round(off_ticks / 2**32) if wraps is None else wraps
        assert abs(off_ticks - wraps * 2**32) <= 1
        counts = decode_samples(frame.payload, channels=2, form=EMG.format)
        for start, end in placed.fresh:
            for index in range(start, end):
                assert index not in assembled
                assembled[index] = tuple(counts[index - first].tolist())
    expected = {index for first, size, _ in arrived for index in range(first, first + size)}
    assert assembled == {index: tuple(counts_at(index, 1)[0].tolist()) for index in expected}
    missing = set(range(sensor.first_index, latest)) - expected
    assert {index for start, end in one.gaps for index in range(start, end)} == missing
    assert one.missing_samples == len(missing)
    assert one.received_samples + one.backfilled_samples == len(expected)


def test_the_ring_tells_of_a_gap_before_the_next_frame_does() -> None:
    sensor = PaperSensor()
    one = assembly(sensor)
    one.place(sensor.frame(0, 50), 60_000_000)
    one.expect_index(12_050, 12_060_000_000)
    assert one.gaps == ((50, 12_050),)


def test_what_is_given_up_stays_missing_and_is_asked_for_no_more() -> None:
    sensor = PaperSensor()
    one = assembly(sensor)
    one.place(sensor.frame(100, 50), 160_000_000)
    one.mark_lost(0, 60)
    assert [*one.gaps] == [(60, 100)]
    assert one.missing_samples == 100
    one.place(sensor.frame(50, 50, STORED), 200_000_000, is_stored=True)
    assert [*one.gaps] == []
    assert one.missing_samples == 50


def test_a_counter_gone_wild_is_refused_unless_it_goes_on_from_there() -> None:
    sensor = PaperSensor()
    one = assembly(sensor)
    one.place(sensor.frame(0, 50), 60_000_000)
    for first in (900_000, 500_000, 1_900_000):
        with pytest.raises(FrameError, match="is due"):
            one.place(sensor.frame(first, 50), 120_000_000)
    one.expect_index(2_000_000_000, 120_000_000)
    assert one.next_index == 50
    placed = one.place(sensor.frame(1_900_050, 50), 170_000_000)
    assert placed.fresh == ((1_900_050, 1_900_100),)


def test_a_long_absence_makes_a_late_index_plausible() -> None:
    sensor = PaperSensor()
    one = assembly(sensor)
    one.place(sensor.frame(0, 50), 60_000_000)
    late = 3600 * 1000
    assert one.place(sensor.frame(late, 50), arrival_ns(sensor, late + 50)).first_index == late


def test_an_absence_longer_than_half_a_wrap_of_the_ticks_is_unwrapped_by_time() -> None:
    sensor = PaperSensor()
    one = assembly(sensor)
    one.place(sensor.frame(0, 50), 60_000_000)
    late = 40 * 3600 * 1000
    placed = one.place(sensor.frame(late, 50), arrival_ns(sensor, late + 50))
    assert placed.ticks == 40 * 3600 * TICK_HZ > 2**32


@pytest.mark.parametrize("length", [0, 3, 5])
def test_a_frame_with_an_incomplete_sample_is_refused(length: int) -> None:
    sensor = PaperSensor()
    with pytest.raises(FrameError, match="expected a multiple"):
        assembly(sensor).place(Frame(1, FrameFlag(0), 0, 0, 0, bytes(length)), 0)


def test_nonsense_makes_no_endless_list_of_gaps() -> None:
    sensor = PaperSensor()
    one = assembly(sensor)
    for n in range(6000):
        one.place(sensor.frame(n * 3, 1), n * 3_000_000)
    assert len(one.gaps) <= 4096
    assert one.missing_samples == 5999 * 2
    assert np.all(np.diff([start for start, _ in one.gaps]) == 3)
