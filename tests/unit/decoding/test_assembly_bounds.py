"""How far ahead of its time a frame may be, what moves the reference, and how many gaps are remembered."""

import pytest
from crampwatch.decoding.assembly import StreamAssembly
from crampwatch.protocol.errors import FrameError
from crampwatch.protocol.frame import FrameFlag
from signals.sensor_records import EMG, TICK_HZ, PaperSensor

SECOND_NS = 1_000_000_000
SENSOR = PaperSensor()


def assembly() -> StreamAssembly:
    return StreamAssembly(EMG, tick_hz=TICK_HZ, begin=0, host_ns=0)


@pytest.mark.parametrize(("elapsed_s", "ahead"), [(0, 60_000), (100, 70_000)])
def test_a_frame_may_be_a_minute_and_a_tenth_of_the_time_that_passed_ahead(elapsed_s: int, ahead: int) -> None:
    latest = elapsed_s * 1000 + ahead
    one = assembly()
    assert one.place(SENSOR.frame(latest, 50), elapsed_s * SECOND_NS).first_index == latest
    with pytest.raises(FrameError, match=f"about {elapsed_s * 1000} is due"):
        assembly().place(SENSOR.frame(latest + 1, 50), elapsed_s * SECOND_NS)


def test_an_announced_index_may_be_as_far_ahead() -> None:
    one = assembly()
    one.expect_index(60_001, 0)
    assert one.next_index == 0
    one.expect_index(60_000, 0)
    assert one.next_index == 60_000
    one.expect_index(59_000, 0)
    assert one.next_index == 60_000, "an older announcement takes nothing back"


def test_a_clock_that_went_backwards_expects_no_sample_before_the_last() -> None:
    one = assembly()
    one.place(SENSOR.frame(0, 50), 10 * SECOND_NS)
    assert one.expected_index(5 * SECOND_NS) == 0
    assert one.expected_index(11 * SECOND_NS) == 1000


def test_a_wild_frame_is_believed_only_when_the_very_next_one_follows_it() -> None:
    one = assembly()
    for first in (900_000, 900_051):
        with pytest.raises(FrameError, match="is due"):
            one.place(SENSOR.frame(first, 50), SECOND_NS)
    assert one.place(SENSOR.frame(900_101, 50), SECOND_NS).first_index == 900_101


def test_a_plausible_frame_in_between_makes_the_wild_one_forgotten() -> None:
    one = assembly()
    with pytest.raises(FrameError, match="is due"):
        one.place(SENSOR.frame(900_000, 50), SECOND_NS)
    one.place(SENSOR.frame(1500, 50), SECOND_NS)
    with pytest.raises(FrameError, match="is due"):
        one.place(SENSOR.frame(900_050, 50), SECOND_NS)


def test_only_newer_live_frames_move_what_is_expected() -> None:
    one = assembly()
    one.place(SENSOR.frame(1000, 50), SECOND_NS)
    one.place(SENSOR.frame(900, 50), 9 * SECOND_NS)
    one.place(SENSOR.frame(2000, 50, FrameFlag.STORED), 9 * SECOND_NS, is_stored=True)
    assert one.expected_index(SECOND_NS) == 1000
    one.place(SENSOR.frame(950, 50), 5 * SECOND_NS)
    assert one.expected_index(SECOND_NS) == 1000, "its end is not beyond the reference"
    one.place(SENSOR.frame(990, 11), 5 * SECOND_NS)
    assert one.expected_index(5 * SECOND_NS) == 990


def test_exactly_4096_pieces_are_remembered() -> None:
    one = assembly()
    for n in range(4096):
        one.place(SENSOR.frame(n * 3, 1), n * 3_000_000)
    assert one.gaps[0] == (1, 3)
    assert len(one.gaps) == 4095
    one.place(SENSOR.frame(4096 * 3, 1), 4096 * 3_000_000)
    assert one.gaps[0] == (4, 6), "the oldest gap is given up for the newest"
    assert len(one.gaps) == 4095
    assert one.missing_samples == 4096 * 2


def test_a_stream_without_gaps_says_so() -> None:
    one = assembly()
    has_gaps = [one.has_gaps]
    for first in (0, 51):
        one.place(SENSOR.frame(first, 50), 0)
        has_gaps.append(one.has_gaps)
    one.mark_lost(50, 1)
    assert [*has_gaps, one.has_gaps] == [False, False, True, False]


def test_live_and_backfilled_samples_are_counted_apart_and_once() -> None:
    one = assembly()
    one.place(SENSOR.frame(0, 50), 0)
    one.place(SENSOR.frame(100, 50), 0)
    one.place(SENSOR.frame(40, 57, FrameFlag.STORED), 0, is_stored=True)
    one.place(SENSOR.frame(60, 57), 0)
    assert (one.received_samples, one.backfilled_samples, one.missing_samples) == (103, 47, 0)
