"""Sampling, frames, ring, overflow and events of the simulated sensor."""

import math

import numpy as np
import pytest
from crampwatch.firmware_sim.device.clock import DriftingClock
from crampwatch.firmware_sim.device.device import Device, DeviceConfig
from crampwatch.firmware_sim.device.outgoing import Channel, Outgoing
from crampwatch.firmware_sim.device.ring import Ring
from crampwatch.firmware_sim.device.vitals import Battery
from crampwatch.protocol.control import Backfill, Opcode, Reply, Request, Status, stream_mask
from crampwatch.protocol.event import EventCode, SensorEvent
from crampwatch.protocol.frame import Frame, FrameFlag
from crampwatch.protocol.info import Capability, Info
from crampwatch.protocol.kinds import Origin
from crampwatch.protocol.temperature import decode_temperature
from hypothesis import given, settings
from hypothesis import strategies as st
from lanes.radio_lane import Ramp, indices

START = Request(Opcode.START, 1, stream_mask((1,))).encode()


def streaming(source: Ramp | None = None, *, start_s: float = 0.0, **options: object) -> Device:
    config = DeviceConfig("CW-0001", boot_id=7, **options)  # type: ignore[arg-type]  # the keywords are its own
    device = Device(config, source or Ramp())
    device.connect(start_s)
    device.set_mtu(247)
    for channel in (Channel.CONTROL, Channel.DATA, Channel.STORED_DATA, Channel.EVENT):
        device.subscribe(start_s, channel, enabled=True)
    device.handle_request(start_s, START)
    return device


def drained(device: Device) -> list[Outgoing]:
    taken = []
    while (outgoing := device.next_outgoing(may_indicate=True)) is not None:
        taken.append(outgoing)
    return taken


def frames(taken: list[Outgoing], channel: Channel = Channel.DATA) -> list[Frame]:
    return [Frame.decode(one.value) for one in taken if one.channel is channel]


def events(taken: list[Outgoing]) -> list[SensorEvent]:
    return [SensorEvent.decode(one.value) for one in taken if one.channel is Channel.EVENT]


def test_a_frame_leaves_when_its_last_sample_is_taken() -> None:
    device = streaming()
    due_s = device.next_due_s(0.0)
    assert due_s == pytest.approx(0.057, abs=1e-6), "sample 0 was taken at boot, samples 1 to 57 make the first frame"
    device.advance(due_s - 1e-4)
    assert frames(drained(device)) == []
    device.advance(due_s)
    (frame,) = frames(drained(device))
    assert (frame.first_index, len(frame.payload) // 4, frame.ticks) == (1, 57, 32)


def test_slow_streams_are_reported_within_a_tenth_of_a_second() -> None:
    device = streaming(Ramp(rate_hz=100.0, channels=1))
    device.advance(1.0)
    assert {len(frame.payload) // 2 for frame in frames(drained(device))} == {10}


@settings(max_examples=40)
@given(st.lists(st.floats(0.0, 0.7), min_size=1, max_size=12))
def test_however_time_passes_the_frames_are_the_same(steps_s: list[float]) -> None:
    end_s = sum(steps_s)
    once, often = streaming(), streaming()
    once.advance(end_s)
    now_s = 0.0
    for step_s in steps_s:
        now_s += step_s
        often.advance(now_s)
    often.advance(end_s)
    assert [frame.encode() for frame in frames(drained(once))] == [frame.encode() for frame in frames(drained(often))]


def test_a_fast_crystal_gives_more_samples() -> None:
    device = streaming(clock=DriftingClock(ppm=1_000.0))
    device.advance(100.0)
    info = Info.decode(device.info(100.0))
    assert info.rings[0].next_index == 100_101


@given(st.floats(-200, 200), st.floats(0, 20), st.floats(0, 1e6))
def test_the_clock_is_undone_to_a_microsecond(ppm: float, wander_ppm: float, true_s: float) -> None:
    clock = DriftingClock(ppm=ppm, wander_ppm=wander_ppm)
    assert clock.true_s(clock.device_s(true_s)) == pytest.approx(true_s, abs=1e-6)


def test_ticks_wrap_at_32_bits() -> None:
    night_s = 2**32 / 32_768
    device = streaming(start_s=night_s)
    device.advance(night_s + 1.0)
    found = frames(drained(device))
    assert found[0].ticks < 100


def test_the_ring_fills_while_nobody_is_connected() -> None:
    device = Device(DeviceConfig("CW-0001", ring_s=2.0), Ramp())
    device.advance(1.0)
    info = Info.decode(device.info(10.0))
    ring = info.rings[0]
    assert (ring.depth, ring.oldest, ring.next_index) == (2_000, 8_001, 10_001)


def test_a_sleep_longer_than_the_ring_costs_nothing_and_forgets() -> None:
    device = Device(DeviceConfig("CW-0001", ring_s=2.0), Ramp())
    ring = Info.decode(device.info(1e6)).rings[0]
    assert ring.next_index == 1_000_000_001
    assert ring.next_index - ring.oldest == 2_000


def test_info_marks_samples_as_simulated_or_as_a_replay() -> None:
    assert Info.decode(Device(DeviceConfig("x"), Ramp()).info(0.0)).capabilities & Capability.SIMULATED
    replay = Info.decode(Device(DeviceConfig("x", origin=Origin.REPLAY), Ramp()).info(0.0))
    assert replay.origin is Origin.REPLAY


def test_every_boot_has_its_own_id() -> None:
    assert DeviceConfig("x").boot_id != DeviceConfig("x").boot_id


def test_frames_the_link_cannot_take_are_dropped_oldest_first_and_reported() -> None:
    device = streaming(queue_s=1.0)
    for second in range(1, 6):
        device.advance(float(second))
    taken = drained(device)
    found = frames(taken)
    assert len(found) == 18, "queue_s of frames at 17.5 a second"
    assert found[0].first_index > 3_000
    lost = sum(int.from_bytes(event.payload, "little") for event in events(taken) if event.code == EventCode.OVERFLOW)
    assert lost == found[0].first_index - 1


def test_a_dropped_frame_is_in_the_ring_and_marked_before_the_next() -> None:
    device = streaming(queue_s=0.1)
    device.advance(0.06)
    first = frames(drained(device))[0]
    device.advance(1.0)
    after = frames(drained(device))[0]
    assert FrameFlag.GAP_BEFORE in after.flags
    missed = first.first_index + 57
    device.handle_request(
        1.0, Request(Opcode.BACKFILL, 2, Backfill(1, missed, after.first_index - missed).encode()).encode()
    )
    taken = drained(device)
    stored = [one.value for one in taken if one.channel is Channel.STORED_DATA]
    assert indices(stored) == list(range(missed, after.first_index))


def test_samples_the_source_never_gave_are_a_gap_live_and_stored() -> None:
    device = streaming(Ramp(missing=range(100, 300)))
    device.advance(1.0)
    found = frames(drained(device))
    arrived = indices([frame.encode() for frame in found])
    assert not set(arrived) & set(range(100, 300))
    assert [FrameFlag.GAP_BEFORE in frame.flags for frame in found].count(True) == 1
    device.handle_request(1.0, Request(Opcode.BACKFILL, 2, Backfill(1, 50, 300).encode()).encode())
    taken = drained(device)
    stored = frames(taken, Channel.STORED_DATA)
    assert sum(len(frame.payload) // 4 for frame in stored) == 100
    assert [FrameFlag.GAP_BEFORE in frame.flags for frame in stored].count(True) == 1
    done = Reply.decode(next(one.value for one in reversed(taken) if one.channel is Channel.CONTROL))
    assert int.from_bytes(done.params[2:], "little") == 100


def test_clipped_samples_are_marked() -> None:
    class Loud(Ramp):
        def read(self, first_index: int, count: int) -> "np.typing.NDArray[np.float64]":
            samples_uv = super().read(first_index, count)
            samples_uv[: max(0, 200 - first_index)] = 1e6
            return samples_uv

    device = streaming(Loud())
    device.advance(1.0)
    marked = [FrameFlag.CLIPPED in frame.flags for frame in frames(drained(device))]
    assert marked == [True] * 4 + [False] * 13


def test_a_lost_lead_is_reported_and_marked_and_reported_again_to_the_next_host() -> None:
    device = streaming(Ramp(off_s=(0.5, 1.5)))
    for tenth in range(1, 11):
        device.advance(tenth / 10)
    taken = drained(device)
    (event,) = events(taken)
    assert (event.code, event.stream, event.payload) == (EventCode.LEAD_CHANGE, 1, b"\x01\x00")
    assert FrameFlag.LEAD_OFF in frames(taken)[-1].flags
    assert FrameFlag.LEAD_OFF not in frames(taken)[0].flags
    device.disconnect(1.0)
    device.subscribe(1.1, Channel.EVENT, enabled=True)
    assert [event.payload for event in events(drained(device))] == [b"\x01\x00"]
    device.advance(2.0)
    assert [event.payload for event in events(drained(device))] == [b"\x00\x00"]


def test_a_button_pressed_out_of_range_is_reported_later_with_its_time() -> None:
    device = Device(DeviceConfig("CW-0001"), Ramp())
    device.press_button(3.0)
    device.connect(9.0)
    device.subscribe(9.0, Channel.EVENT, enabled=True)
    (event,) = events(drained(device))
    assert (event.code, event.ticks) == (EventCode.BUTTON, 3 * 32_768)


def test_a_disconnection_ends_streams_and_subscriptions() -> None:
    device = streaming()
    device.advance(1.0)
    device.disconnect(1.0)
    device.connect(2.0)
    device.advance(3.0)
    assert drained(device) == []


def test_a_restarted_stream_continues_with_the_next_sample() -> None:
    device = streaming()
    device.advance(1.0)
    drained(device)
    device.disconnect(1.0)
    device.connect(2.0)
    device.set_mtu(247)
    device.subscribe(2.0, Channel.DATA, enabled=True)
    device.handle_request(2.0, START)
    device.advance(3.0)
    found = frames(drained(device))
    assert found[0].first_index == 2_001
    assert FrameFlag.GAP_BEFORE not in found[0].flags, "the sensor lost nothing: it is in the ring"
    assert found[0].sequence == 17, "frames are counted on"


def test_the_end_of_the_source_flushes_a_short_frame_and_is_reported_once() -> None:
    device = streaming(Ramp(duration_samples=1_100), waits_for_start=True)
    for second in range(1, 5):
        device.advance(float(second))
    taken = drained(device)
    assert indices([frame.encode() for frame in frames(taken)]) == list(range(1_100))
    ended = [event for event in events(taken) if event.code == EventCode.STREAM_ENDED]
    assert [event.index for event in ended] == [1_100]
    device.handle_request(5.0, START)
    refused = device.next_outgoing(may_indicate=True)
    assert refused is not None
    assert Reply.decode(refused.value).status is Status.NOT_AVAILABLE


def test_a_sensor_that_waits_takes_sample_0_at_the_first_start() -> None:
    device = streaming(start_s=5.0, waits_for_start=True)
    device.advance(6.0)
    first = frames(drained(device))[0]
    assert (first.first_index, first.ticks) == (0, 5 * 32_768)


def test_temperature_follows_the_source_and_holds_its_last_value() -> None:
    device = Device(DeviceConfig("CW-0001"), Ramp(duration_samples=10_000))
    assert decode_temperature(device.temperature(5.0)) == pytest.approx(30.05)
    assert decode_temperature(device.temperature(500.0)) == pytest.approx(30.09)


def test_the_battery_is_reported_when_it_changes_and_warns_twice() -> None:
    device = Device(DeviceConfig("CW-0001", battery_percent=16.0, battery_life_h=10.0), Ramp())
    device.connect(0.0)
    device.subscribe(0.0, Channel.BATTERY, enabled=True)
    device.subscribe(0.0, Channel.EVENT, enabled=True)
    levels, warnings = [], []
    for minute in range(120):
        device.advance(minute * 60.0)
        taken = drained(device)
        levels += [one.value[0] for one in taken if one.channel is Channel.BATTERY]
        warnings += [event.payload[0] for event in events(taken) if event.code == EventCode.LOW_BATTERY]
    assert levels == list(range(16, -1, -1))
    assert warnings == [15, 5]


@given(st.floats(0, 100), st.floats(0.1, 100), st.floats(0, 1e6))
def test_a_battery_stays_between_full_and_empty(percent: float, life_h: float, now_s: float) -> None:
    assert 0 <= Battery(percent=percent, life_h=life_h).percent(now_s) <= math.ceil(percent)


@settings(max_examples=60)
@given(st.integers(1, 50), st.lists(st.integers(0, 120), max_size=10))
def test_the_ring_holds_the_newest(depth: int, pieces: list[int]) -> None:
    ring, written = Ring(depth, 1), 0
    for piece in pieces:
        counts = np.arange(written, written + piece, dtype=np.int16)[:, None]
        ring.extend(counts, np.zeros(piece, np.uint8))
        written += piece
    assert ring.next_index == written
    assert ring.oldest == max(0, written - depth)
    held, _ = ring.read(ring.oldest, written - ring.oldest)
    np.testing.assert_array_equal(held[:, 0], np.arange(ring.oldest, written))
