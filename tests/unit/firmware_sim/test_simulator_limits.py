"""Every limit of the simulated sensor, its radio and its scenarios, at the limit and just beside it."""

import random
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from crampwatch.firmware_sim.device.clock import DriftingClock
from crampwatch.firmware_sim.device.device import Device, DeviceConfig
from crampwatch.firmware_sim.device.events import EventLog
from crampwatch.firmware_sim.device.outgoing import Channel, Outgoing
from crampwatch.firmware_sim.device.ring import Ring
from crampwatch.firmware_sim.device.vitals import Battery, Thermometer
from crampwatch.firmware_sim.physiology.activity import Activity, Discharges, Span
from crampwatch.firmware_sim.physiology.randomness import log_uniform, rng_for, weighted_choice
from crampwatch.firmware_sim.physiology.wearer import Traits, Wearer, draw_wearer
from crampwatch.firmware_sim.radio.link_layer import AirPath, LinkLayer, Side, airtime_s
from crampwatch.firmware_sim.radio.options import SensorOptions, SimulatorOptions
from crampwatch.firmware_sim.scenarios import scenario
from crampwatch.firmware_sim.scenarios.schedule import Plan
from crampwatch.firmware_sim.scenarios.truth_measurement import measure_truth
from crampwatch.protocol.control import Backfill, Opcode, Reply, Request, SettingKey, Status, stream_mask
from crampwatch.protocol.errors import ConfigurationError
from crampwatch.protocol.event import EventCode, SensorEvent
from crampwatch.protocol.frame import Frame
from crampwatch.protocol.kinds import EpisodeKind
from lanes.radio_lane import Ramp


def streaming(source: Ramp | None = None, **options: object) -> Device:
    device = Device(DeviceConfig("CW-0001", boot_id=7, **options), source or Ramp())  # type: ignore[arg-type]  # its own
    device.connect(0.0)
    device.set_mtu(247)
    for channel in (Channel.CONTROL, Channel.DATA, Channel.STORED_DATA, Channel.EVENT):
        device.subscribe(0.0, channel, enabled=True)
    device.handle_request(0.0, Request(Opcode.START, 1, stream_mask((1,))).encode())
    drain(device)
    return device


def drain(device: Device) -> list[Outgoing]:
    sent = []
    while (outgoing := device.next_outgoing(may_indicate=True)) is not None:
        sent.append(outgoing)
    return sent


def events(sent: list[Outgoing]) -> list[SensorEvent]:
    return [SensorEvent.decode(one.value) for one in sent if one.channel is Channel.EVENT]


def ask(device: Device, opcode: Opcode, params: bytes) -> Reply:
    device.handle_request(1.0, Request(opcode, 2, params).encode())
    return next(Reply.decode(one.value) for one in drain(device) if one.channel is Channel.CONTROL)


def ring_of(*sizes: int, depth: int = 4) -> Ring:
    ring, start = Ring(depth, 1), 0
    for size in sizes:
        ring.extend(np.arange(start, start + size, dtype=np.int16)[:, None], np.zeros(size, np.uint8))
        start += size
    return ring


@pytest.mark.parametrize(
    ("sizes", "oldest"), [((3,), 0), ((4,), 0), ((5,), 1), ((3, 1), 0), ((3, 2), 1), ((9,), 5), ((2, 9), 7)]
)
def test_a_ring_holds_its_depth_and_not_one_sample_more(sizes: tuple[int, ...], oldest: int) -> None:
    ring = ring_of(*sizes)
    assert (ring.oldest, ring.next_index, ring.depth) == (oldest, sum(sizes), 4)
    counts, _ = ring.read(ring.oldest, ring.next_index - ring.oldest)
    assert counts[:, 0].tolist() == list(range(oldest, sum(sizes)))


def test_a_ring_that_skipped_holds_nothing_from_before() -> None:
    ring = ring_of(3)
    ring.skip_to(10)
    assert (ring.oldest, ring.next_index) == (10, 10)
    ring.extend(np.array([[7]], np.int16), np.zeros(1, np.uint8))
    assert (ring.oldest, ring.read(10, 1)[0].tolist()) == (10, [[7]])


def test_the_ring_holds_the_configured_seconds() -> None:
    device = Device(DeviceConfig("CW-0001", ring_s=2.0), Ramp())
    device.advance(1.999)
    assert device.ring_report(1.999).rings[0][1].oldest == 0
    device.advance(2.0)
    assert device.ring_report(2.0).rings[0][1].oldest == 1


@pytest.mark.parametrize(("away_s", "skipped"), [(1.0, False), (5.0, True)])
def test_samples_of_a_pause_longer_than_the_ring_are_never_taken(away_s: float, skipped: bool) -> None:
    device = Device(DeviceConfig("CW-0001", ring_s=2.0), Ramp())
    device.advance(0.5)
    device.advance(0.5 + away_s)
    state = device.ring_report(0.5 + away_s).rings[0][1]
    assert (state.oldest > 501) == skipped
    assert state.next_index == round((0.5 + away_s) * 1000) + 1


def test_the_queue_of_the_link_holds_its_seconds_and_drops_the_oldest_beyond() -> None:
    device = streaming(queue_s=0.57)
    device.advance(0.57)
    assert not [event for event in events(drain(device)) if event.code == EventCode.OVERFLOW]
    device.advance(0.57 + 11 * 0.057)
    sent = drain(device)
    (overflow,) = (event for event in events(sent) if event.code == EventCode.OVERFLOW)
    frames = [Frame.decode(one.value) for one in sent if one.channel is Channel.DATA]
    assert (int.from_bytes(overflow.payload, "little"), len(frames)) == (57, 10)


@pytest.mark.parametrize(("pause_s", "reports"), [(0.98, 1), (1.02, 2)])
def test_overflow_is_reported_once_a_second_at_most(pause_s: float, reports: int) -> None:
    device = streaming(queue_s=0.1)
    device.advance(1.0)
    device.advance(1.0 + pause_s)
    assert sum(event.code == EventCode.OVERFLOW for event in events(drain(device))) == reports


@pytest.mark.parametrize(("requested", "granted"), [(9_999, 9_999), (10_000, 10_000), (10_001, 10_000)])
def test_a_backfill_sends_ten_seconds_at_most(requested: int, granted: int) -> None:
    device = streaming()
    device.advance(12.0)
    drain(device)
    device.handle_request(12.0, Request(Opcode.BACKFILL, 2, Backfill(1, 0, requested).encode()).encode())
    reply = Reply.decode(next(one.value for one in drain(device) if one.channel is Channel.CONTROL))
    assert Backfill.decode(reply.params).count == granted


@pytest.mark.parametrize(
    ("first", "count", "status"), [(0, 1, Status.SUCCESS), (100, 1, Status.SUCCESS), (101, 1, Status.NOT_AVAILABLE)]
)
def test_a_backfill_ends_before_the_next_sample(first: int, count: int, status: Status) -> None:
    device = streaming()
    device.advance(0.1)
    drain(device)
    device.handle_request(0.1, Request(Opcode.BACKFILL, 2, Backfill(1, first, count).encode()).encode())
    assert Reply.decode(drain(device)[0].value).status == status


@pytest.mark.parametrize(("rate_hz", "samples"), [(100.0, 10), (250.0, 25), (1000.0, 57)])
def test_a_frame_carries_a_tenth_of_a_second_at_most(rate_hz: float, samples: int) -> None:
    device = streaming(Ramp(rate_hz=rate_hz))
    device.advance(1.0)
    frame = Frame.decode(next(one.value for one in drain(device) if one.channel is Channel.DATA))
    assert len(frame.payload) // 4 == samples


@pytest.mark.parametrize(("mtu", "status"), [(20, Status.NOT_AVAILABLE), (21, Status.SUCCESS)])
def test_a_stream_needs_an_mtu_that_one_sample_fits(mtu: int, status: Status) -> None:
    device = Device(DeviceConfig("CW-0001"), Ramp())
    device.connect(0.0)
    device.set_mtu(mtu)
    device.subscribe(0.0, Channel.DATA, enabled=True)
    device.handle_request(0.0, Request(Opcode.START, 1, stream_mask((1,))).encode())
    assert Reply.decode(drain(device)[0].value).status == status


@pytest.mark.parametrize(
    ("length", "status"),
    [(0, Status.BAD_LENGTH), (1, Status.SUCCESS), (20, Status.SUCCESS), (21, Status.BAD_LENGTH)],
)
def test_a_name_has_1_to_20_bytes(length: int, status: Status) -> None:
    assert ask(streaming(), Opcode.SET, bytes([SettingKey.NAME]) + b"x" * length).status == status


@pytest.mark.parametrize(
    ("interval_s", "status"),
    [(0, Status.BAD_PARAMETER), (1, Status.SUCCESS), (3600, Status.SUCCESS), (3601, Status.BAD_PARAMETER)],
)
def test_the_temperature_interval_is_1_to_3600_s(interval_s: int, status: Status) -> None:
    params = bytes([SettingKey.TEMPERATURE_INTERVAL]) + interval_s.to_bytes(2, "little")
    assert ask(streaming(), Opcode.SET, params).status == status


def test_32_events_wait_for_a_host_and_the_oldest_gives_way() -> None:
    log = EventLog()
    for index in range(33):
        log.add(SensorEvent(EventCode.BUTTON, 0, index, 0))
    waiting = []
    while (value := log.pop()) is not None:
        waiting.append(SensorEvent.decode(value).index)
    assert waiting == list(range(1, 33))


def test_a_battery_warns_at_15_and_at_5_percent_once_each() -> None:
    battery = Battery(percent=17.0, life_h=100 / 3600)
    assert [battery.new_warning(float(now_s)) for now_s in range(14)] == [
        None, None, 15, *[None] * 9, 5, None,
    ]  # fmt: skip
    assert [Battery(percent=1.5, life_h=1.0).percent(now_s) for now_s in (0.0, 53.9, 54.1)] == [2, 1, 0]


def test_a_thermometer_notifies_at_its_interval() -> None:
    thermometer = Thermometer(Ramp(), interval_s=10.0)
    assert [thermometer.poll(now_s) for now_s in (0.0, 9.99, 10.0, 19.9, 20.0)] == [True, False, True, False, True]


def test_a_clock_wanders_by_its_amplitude_around_its_constant_error() -> None:
    clock = DriftingClock(ppm=20.0, wander_ppm=2.0, wander_period_s=5400.0)
    rates = [(clock.device_s(t_s + 1.0) - clock.device_s(t_s) - 1.0) * 1e6 for t_s in range(0, 5400, 50)]
    assert [min(rates), max(rates)] == pytest.approx([18.0, 22.0], abs=0.01)
    assert clock.true_s(clock.device_s(12_345.678)) == pytest.approx(12_345.678, abs=1e-7)


def layer(*, supervision_s: float = 4.0) -> LinkLayer[int]:
    return LinkLayer(interval_s=0.03, supervision_s=supervision_s, rng=random.Random(1), now_s=0.0)


def test_airtime_is_that_of_le_1m() -> None:
    # 1 + 4 + 2 + 3 + 4 bytes around the payload at 8 us each, and 150 us until the next packet.
    assert airtime_s(0) == pytest.approx(262e-6)
    assert airtime_s(251) == pytest.approx(2270e-6)


def test_a_connection_expires_exactly_at_its_supervision_timeout() -> None:
    link = layer()
    assert not link.has_expired(3.999)
    assert link.has_expired(4.0)
    link.note_contact(1.0)
    assert not link.has_expired(4.999)
    assert link.has_expired(5.0)


def test_an_exchange_in_both_directions_restarts_the_supervision_timeout() -> None:
    link = layer()
    link.run_event(1.0, AirPath(in_range=False), 0.03)
    assert link.has_expired(4.0)
    link.run_event(2.0, AirPath(), 0.03)
    assert not link.has_expired(5.9)


def test_the_event_after_an_event_is_a_full_interval_later() -> None:
    assert layer().next_event_s(0.0) == pytest.approx(0.03)
    assert layer().next_event_s(0.0299) == pytest.approx(0.03)
    assert layer().next_event_s(0.0301) == pytest.approx(0.06)


@pytest.mark.parametrize(("budget_s", "packets"), [(0.0, 1), (0.002, 1), (0.003, 2), (0.0051, 3)])
def test_an_event_uses_its_airtime_and_always_one_exchange(budget_s: float, packets: int) -> None:
    link = layer()
    for number in range(5):
        link.push(Side.PERIPHERAL, 251, number)
    assert len(link.run_event(0.03, AirPath(), budget_s)) == packets


@pytest.mark.parametrize(("loss", "arrives"), [(0.0, True), (1.0, False)])
def test_no_loss_loses_nothing_and_full_loss_everything(loss: float, arrives: bool) -> None:
    rng = random.Random(3)
    assert {AirPath(loss=loss).delivers(rng) for _ in range(200)} == {arrives}
    assert not AirPath(loss=0.0, in_range=False).delivers(rng)
    assert AirPath(loss=loss).is_perfect == arrives


def options(*names: str, **changes: object) -> SimulatorOptions:
    sensors = tuple(SensorOptions(name, Ramp) for name in names)
    return replace(SimulatorOptions(sensors, listen="127.0.0.1:0"), **changes)  # type: ignore[arg-type]  # its fields


@pytest.mark.parametrize("speed", [0.01, 1.0, 1000.0])
def test_time_runs_at_a_hundredth_to_a_thousand_times_its_speed(speed: float) -> None:
    options("CW-0001", speed=speed).check()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (options("CW-0001", speed=0.009), "speed"),
        (options("CW-0001", speed=1001.0), "speed"),
        (options(), "0 sensors"),
        (options("CW-0001", "CW-0001"), "same serial number"),
        (options("CW-0001", listen=None), "one radio"),
        (options("CW-0001", hci="usb:0"), "one radio"),
        (options("CW-0001", "CW-0002", listen=None, hci="usb:0"), "2 sensors"),
        (options("CW-0001", listen=None, hci="usb:0", speed=2.0), "sped up"),
    ],
)
def test_options_that_contradict_one_another_are_refused(wrong: SimulatorOptions, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        wrong.check()


def test_crystals_differ_by_sensor_and_stay_within_30_ppm() -> None:
    clocks = [SensorOptions(f"CW-{number:04}", Ramp).clock_for(seed=1) for number in range(200)]
    assert len({clock.ppm for clock in clocks}) == 200
    assert 28 < max(abs(clock.ppm) for clock in clocks) <= 30
    assert {clock.wander_ppm for clock in clocks} == {2.0}


@pytest.mark.parametrize(
    "arguments",
    [
        {"hours": 72.0},
        {"hours": 0.001},
        {"channels": 1},
        {"channels": 4},
        {"rate_hz": 100.0},
        {"rate_hz": 4000.0},
        {"seed": 0},
    ],
)
def test_scenarios_accept_their_limits(arguments: dict[str, float]) -> None:
    scenario("quiet", **({"seed": 1} | arguments))  # type: ignore[arg-type]  # one of its arguments


@pytest.mark.parametrize(
    "arguments",
    [
        {"hours": 72.1},
        {"hours": 0.0},
        {"channels": 0},
        {"channels": 5},
        {"rate_hz": 99.9},
        {"rate_hz": 4000.1},
        {"seed": -1},
    ],
)
def test_scenarios_refuse_what_is_beyond(arguments: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError):
        scenario("quiet", **({"seed": 1} | arguments))  # type: ignore[arg-type]  # one of its arguments


class Block:
    """An event that occupies ten seconds, and one before."""

    lead_s = 1.0
    extent_s = 10.0

    def generate(self, onset_s: float, wearer: Wearer, rng: np.random.Generator) -> Activity:
        """Do nothing."""
        del onset_s, wearer, rng
        return Activity()


def test_exclusive_events_may_touch_and_not_overlap() -> None:
    plan = Plan(100.0, 2)
    plan.add(20.0, Block())
    assert plan.is_free(0.0, 19.0)
    assert not plan.is_free(0.0, 19.1)
    assert plan.is_free(30.0, 50.0)
    assert not plan.is_free(29.9, 50.0)
    plan.add(60.0, Block(), is_exclusive=False)
    assert plan.is_free(30.0, 90.0)


@pytest.mark.parametrize(("length_s", "placed"), [(17.1, True), (16.9, False)])
def test_an_event_is_placed_only_where_it_fits_with_its_distance(length_s: float, placed: bool) -> None:
    onset_s = Plan(length_s, 2).place(rng_for(1), Block(), window_s=(0.0, 100.0))
    assert (onset_s is not None) == placed
    assert onset_s is None or 4.0 <= onset_s <= length_s - 13.0


def test_placed_events_keep_their_distance() -> None:
    plan, rng = Plan(200.0, 2), rng_for(1)
    onsets = [plan.place(rng, Block(), window_s=(0.0, 200.0), apart_s=3.0) for _ in range(40)]
    times = sorted(onset_s for onset_s in onsets if onset_s is not None)
    assert len(times) > 5
    assert min(np.diff(times)) >= 14.0
    assert None in onsets, "forty tries, and it is left out"


@pytest.mark.parametrize(("ratio", "visible"), [(3.05, True), (2.95, False)])
def test_a_discharge_is_visible_at_three_times_the_noise(ratio: float, visible: bool) -> None:
    wearer = draw_wearer(3, Traits(), channels=1, rate_hz=1000.0)
    relative = wearer.muscles[0].peak_uv[:, 0] / wearer.floor_uv(0.0)[0]
    unit = int(np.argmax(relative))
    # The first of two discharges is as tall as stated, the second is clearly visible.
    gain = np.array([ratio / relative[unit], 10.0])
    discharges = Discharges(0, np.array([1.0, 2.0]), np.array([unit, unit]), np.ones(2), gain)
    activity = Activity((discharges,), spans=(Span(EpisodeKind.TWITCH, "fasciculation", 0.5, 2.5),))
    truth = measure_truth(activity, activity.spans[0], wearer)
    assert (truth.onset_s < 1.5) == visible


def test_weighted_draws_follow_their_weights() -> None:

    rng = rng_for(1)
    drawn = Counter(weighted_choice(rng, {"a": 3.0, "b": 1.0}) for _ in range(4000))
    assert drawn["a"] / 4000 == pytest.approx(0.75, abs=0.03)
    values = [log_uniform(rng, 2.0, 8.0) for _ in range(4000)]
    assert 2.0 <= min(values) < 2.05
    assert 7.9 < max(values) <= 8.0
    assert np.median(values) == pytest.approx(4.0, rel=0.05)
