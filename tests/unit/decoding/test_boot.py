"""A sensor from one power-up to the next: what counts as the same boot, and what its clock and gains follow."""

import math
import struct
from dataclasses import replace

import pytest
from crampwatch.decoding.boot import Boot
from crampwatch.protocol.errors import FrameError
from crampwatch.protocol.event import EventCode, SensorEvent
from crampwatch.protocol.frame import Frame, FrameFlag
from crampwatch.protocol.info import Capability, Info, RingState
from crampwatch.protocol.stream import SampleFormat, StreamDescription, StreamKind
from signals.sensor_records import EMG, TICK_HZ, PaperSensor

ACCELERATION = StreamDescription(2, StreamKind.ACCELERATION, 3, SampleFormat.INT16, 50.0, 0.001)
SECOND_NS = 1_000_000_000


def info_of(*streams: StreamDescription, boot_id: int = 1, tick_hz: int = TICK_HZ, next_index: int = 0) -> Info:
    rings = tuple(RingState(600_000, 0, next_index) for _ in streams)
    return Info(Capability.SIMULATED, boot_id, tick_hz, streams, rings, (50,) * len(streams))


def frame_of(stream: StreamDescription, first: int, samples: int, ticks: int) -> Frame:
    payload = bytes(samples * stream.channels * stream.format.sample_bytes)
    return Frame(stream.stream, FrameFlag(0), 0, first, ticks & 0xFFFFFFFF, payload)


def test_only_the_same_boot_clock_and_streams_continue_a_boot() -> None:
    info = info_of(EMG)
    boot = Boot(info, 0)
    assert boot.is_same(info.with_rings((RingState(1, 2, 3),)))
    assert not boot.is_same(info_of(EMG, boot_id=2))
    assert not boot.is_same(info_of(EMG, tick_hz=TICK_HZ + 1))
    assert not boot.is_same(info_of(replace(EMG, rate_hz=500.0)))


def test_a_sync_refers_to_the_lowest_emg_stream_or_the_lowest_of_all() -> None:
    second = replace(EMG, stream=3)
    assert Boot(info_of(replace(ACCELERATION, stream=1), second, EMG_AT_2), 0).primary.stream.stream == 2
    assert Boot(info_of(replace(ACCELERATION, stream=7), ACCELERATION), 0).primary.stream.stream == 2


EMG_AT_2 = replace(EMG, stream=2)


def test_ticks_that_wrap_between_the_first_sync_and_the_first_frames_are_still_in_order() -> None:
    boot = Boot(info_of(EMG, ACCELERATION), 0)
    boot.add_sync(2**32 - TICK_HZ, before_ns=0, after_ns=0)
    for stream in (EMG, ACCELERATION):
        first = round(2 * stream.rate_hz)
        placed = boot.place_frame(frame_of(stream, first, 10, 2**32 + TICK_HZ), 2 * SECOND_NS + 200_000_000)
        assert placed.ticks == 2**32 + TICK_HZ
    assert boot.clock.utc_ns(2**32 + TICK_HZ) == 2 * SECOND_NS


def test_a_frame_of_a_stream_that_is_not_described_is_refused() -> None:
    with pytest.raises(FrameError, match="names stream 2"):
        Boot(info_of(EMG), 0).place_frame(frame_of(ACCELERATION, 0, 10, 0), 0)


def test_a_stored_frame_tells_the_time_only_while_nothing_else_has() -> None:
    sensor = PaperSensor()
    boot = Boot(Info.decode(sensor.info()), 0)
    boot.place_frame(sensor.frame(0, 50, FrameFlag.STORED), 349_000_000, is_stored=True)
    assert boot.clock.final_timeline().utc_ns(0) == pytest.approx(300_000_000, abs=100_000)
    boot.place_frame(sensor.frame(50, 50, FrameFlag.STORED), 199_000_000, is_stored=True)
    assert boot.clock.final_timeline().utc_ns(0) == pytest.approx(300_000_000, abs=100_000)
    boot.place_frame(sensor.frame(100, 50), 159_000_000)
    assert boot.clock.final_timeline().utc_ns(0) == pytest.approx(10_000_000, abs=100_000)


def test_a_frame_sent_twice_tells_the_time_once() -> None:
    sensor = PaperSensor()
    boot = Boot(Info.decode(sensor.info()), 0)
    for host_ns in (349_000_000, 59_000_000):
        boot.place_frame(sensor.frame(0, 50), host_ns)
    assert boot.clock.final_timeline().utc_ns(0) == pytest.approx(300_000_000, abs=100_000)


def gain_event(index: int, lsb: float, *, payload: bytes | None = None) -> SensorEvent:
    return SensorEvent(EventCode.GAIN_CHANGED, 1, index, 0, struct.pack("<f", lsb) if payload is None else payload)


def test_a_gain_holds_from_exactly_its_sample() -> None:
    boot = Boot(info_of(EMG), 0)
    boot.handle_event(gain_event(1000, 0.5), SECOND_NS)
    assert [boot.lsb_at(1, index) for index in (0, 999, 1000, 1001)] == [EMG.lsb, EMG.lsb, 0.5, 0.5]


def test_a_gain_from_before_the_last_one_is_ignored() -> None:
    boot = Boot(info_of(EMG), 0)
    boot.handle_event(gain_event(1000, 0.5), SECOND_NS)
    boot.handle_event(gain_event(999, 0.25), SECOND_NS)
    boot.handle_event(gain_event(1000, 0.125), SECOND_NS)
    assert [boot.lsb_at(1, index) for index in (999, 1000)] == [EMG.lsb, 0.125]


@pytest.mark.parametrize("lsb", [0.0, -0.5, math.inf, math.nan])
def test_a_gain_that_is_none_makes_the_scale_unknown(lsb: float) -> None:
    boot = Boot(info_of(EMG), 0)
    boot.handle_event(gain_event(1000, lsb), SECOND_NS)
    assert math.isnan(boot.lsb_at(1, 1000))


@pytest.mark.parametrize("length", [3, 5])
def test_a_gain_of_another_length_is_ignored(length: int) -> None:
    boot = Boot(info_of(EMG), 0)
    boot.handle_event(gain_event(1000, 0, payload=bytes(length)), SECOND_NS)
    assert boot.lsb_at(1, 1000) == EMG.lsb


def test_no_more_than_1000_gains_are_remembered() -> None:
    boot = Boot(info_of(EMG), 0)
    for n in range(1, 1001):
        boot.handle_event(gain_event(n, 1.0 + n), SECOND_NS)
    assert boot.lsb_at(1, 999) == 1000.0
    assert boot.lsb_at(1, 1000) == 1000.0, "the first one is the stream's own"


def test_the_end_of_a_stream_makes_what_is_missing_before_it_a_gap() -> None:
    sensor = PaperSensor()
    boot = Boot(Info.decode(sensor.info()), 0)
    boot.place_frame(sensor.frame(0, 50), 60_000_000)
    boot.handle_event(SensorEvent(EventCode.STREAM_ENDED, 1, 90, 0), 100_000_000)
    boot.handle_event(SensorEvent(EventCode.STREAM_ENDED, 9, 900, 0), 100_000_000)
    boot.handle_event(SensorEvent(EventCode.BUTTON, 1, 300, 0), 100_000_000)
    assert boot.primary.gaps == ((50, 90),)


def test_what_the_rings_hold_after_a_reconnection_is_wanted() -> None:
    boot = Boot(info_of(EMG), 0)
    boot.update_info(info_of(EMG, next_index=5000), 5 * SECOND_NS)
    assert boot.primary.gaps == ((0, 5000),)
    assert boot.info.rings[0].next_index == 5000
