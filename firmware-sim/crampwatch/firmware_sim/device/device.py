"""The simulated sensor: a pure state machine that speaks CWS v1 (docs/protocol.md).

It samples by its own drifting clock from boot (or from the first START) on, connected or not, and stores samples in a
ring. A host subscribes, then starts the stream; each frame is sent once its last sample was taken. Frames that the
link does not take in time are dropped, oldest first, and an OVERFLOW event reports them; their samples remain in the
ring and can be backfilled. On disconnection the stream stops and sampling goes on.

The radio (`Peripheral`) calls `advance` to let time pass, `next_outgoing` whenever the link has room, and uses
`next_due_s` to know when to call again. Replies and events come first, then live frames, then battery and temperature;
stored frames only get what is left, so that a backfill never delays the live stream.

::

    request ──> control ──┐
    time ──> sampler ──> ring ──> live queue ──┐
                          └──> backfill ───────┴──> next_outgoing(): replies, events, live, vitals, stored
"""

import secrets
from collections import deque
from dataclasses import dataclass, field
from typing import Final

from crampwatch.firmware_sim.device.backfill import BackfillJob
from crampwatch.firmware_sim.device.clock import DriftingClock
from crampwatch.firmware_sim.device.control_point import ControlPoint, Refused
from crampwatch.firmware_sim.device.events import EventLog
from crampwatch.firmware_sim.device.live import FrameEncoder, LiveStream
from crampwatch.firmware_sim.device.outgoing import Channel, Outgoing
from crampwatch.firmware_sim.device.sampler import TICK_HZ, Sampler
from crampwatch.firmware_sim.device.vitals import Battery, Thermometer
from crampwatch.firmware_sim.signal_source import SignalSource
from crampwatch.protocol.control import Backfill, Reply, Request, RingReport, Status, SyncReply
from crampwatch.protocol.event import EventCode, SensorEvent
from crampwatch.protocol.frame import OVERHEAD_BYTES
from crampwatch.protocol.info import Capability, Info
from crampwatch.protocol.kinds import Origin

__all__ = ["Device", "DeviceConfig"]

PREFERRED_MTU: Final = 247
_ATT_HEADER_BYTES: Final = 3
_LONGEST_FRAME_S: Final = 0.1
"""Duration of a frame at most, so that slow streams are not delayed much."""
_LONGEST_BACKFILL_S: Final = 10.0
"""Of samples per request: a host that disappears leaves little work behind."""
_OVERFLOW_PAUSE_S: Final = 1.0
"""Between two OVERFLOW events: a link that is too slow must not be filled with reports about it."""
_IDLE_S: Final = 1.0
"""Battery and contacts are checked at least this often."""


@dataclass(frozen=True, slots=True)
class DeviceConfig:
    """Properties of a simulated sensor.

    Attributes:
        name: As advertised, ``CW-XXXX``.
        boot_id: Random for each boot; tests may set it.
        origin: ``demo`` or ``replay``, as marked in Info.
        clock: Of the sensor.
        ring_s: Seconds of samples that the ring holds.
        queue_s: Seconds of samples that may wait for the link before the oldest are dropped.
        waits_for_start: Take sample 0 at the first START instead of at boot, so that a host misses nothing of a replay.
        battery_percent: At boot.
        battery_life_h: From full to empty.
        temperature_interval_s: Between notifications, until a host sets another interval.
    """

    name: str
    boot_id: int = field(default_factory=lambda: secrets.randbits(32))
    origin: Origin = Origin.DEMO
    clock: DriftingClock = field(default_factory=DriftingClock)
    ring_s: float = 600.0
    queue_s: float = 2.0
    waits_for_start: bool = False
    battery_percent: float = 100.0
    battery_life_h: float = 60.0
    temperature_interval_s: float = 10.0


class Device:
    """A sensor that samples a signal source; a `SensorCore`."""

    def __init__(self, config: DeviceConfig, source: SignalSource) -> None:
        self.name = config.name
        self._config = config
        self._stream = source.stream
        self._sampler = Sampler(source, config.clock, ring_s=config.ring_s)
        frames = config.queue_s * self._stream.rate_hz / self._frame_samples_at(PREFERRED_MTU)
        self._live = LiveStream(self._stream.stream, self._sampler, queue_frames=max(1, round(frames)))
        self._stored_cutter = FrameEncoder(self._stream.stream, self._sampler)
        self._job: BackfillJob | None = None
        self._control = ControlPoint(self)
        self._battery = Battery(percent=config.battery_percent, life_h=config.battery_life_h)
        self._thermometer = Thermometer(source, interval_s=config.temperature_interval_s)
        self._events = EventLog()
        self._replies: deque[Reply] = deque()
        self._vitals: deque[Outgoing] = deque()
        self._subscribed: set[Channel] = set()
        self._mtu = 23
        self._leads_off = 0
        self._has_reported_end = False
        self._overflow_due_s = 0.0
        if not config.waits_for_start:
            self._sampler.start(0.0)

    @property
    def is_about_to_reboot(self) -> bool:
        """Always false: this sensor boots once."""
        return False

    def info(self, now_s: float) -> bytes:
        """Return the value of Info."""
        self.advance(now_s)
        mark = Capability.REPLAY if self._config.origin is Origin.REPLAY else Capability.SIMULATED
        return Info(
            Capability.BACKFILL | Capability.SELF_TEST | Capability.LEAD_OFF | mark,
            self._config.boot_id,
            TICK_HZ,
            (self._stream,),
            (self._sampler.ring.state,),
            (self._frame_samples_at(PREFERRED_MTU),),
        ).encode()

    def battery(self, now_s: float) -> bytes:
        """Return the value of Battery Level."""
        return bytes([self._battery.percent(now_s)])

    def temperature(self, now_s: float) -> bytes:
        """Return the value of Temperature."""
        self.advance(now_s)
        return self._thermometer.encoded_value(self._sampler.ring.next_index / self._stream.rate_hz)

    def connect(self, now_s: float) -> None:
        """Handle a new connection."""
        self.disconnect(now_s)

    def disconnect(self, now_s: float) -> None:
        """Handle a disconnection: the stream and a self test end, sampling goes on."""
        self.advance(now_s)
        self._live.stop()
        self._job = None
        self._replies.clear()
        self._vitals.clear()
        self._subscribed.clear()
        self._mtu = 23
        self._sampler.self_test = False

    def set_mtu(self, mtu: int) -> None:
        """Set the ATT MTU, initially 23; a stream that is running keeps its frame size."""
        self._mtu = mtu

    def subscribe(self, now_s: float, channel: Channel, enabled: bool) -> None:
        """Handle a change of a client characteristic configuration."""
        self.advance(now_s)
        if not enabled:
            self._subscribed.discard(channel)
            return
        self._subscribed.add(channel)
        if channel is Channel.BATTERY:
            self._battery.notify_again()
        elif channel is Channel.TEMPERATURE:
            self._thermometer.notify_soon()
        elif channel is Channel.EVENT and self._leads_off and not self._events.holds(EventCode.LEAD_CHANGE):
            self._report_event(now_s, EventCode.LEAD_CHANGE, self._leads_off.to_bytes(2, "little"))

    def press_button(self, now_s: float) -> None:
        """Simulate a press of the button: the wearer marks this moment."""
        self.advance(now_s)
        self._report_event(now_s, EventCode.BUTTON)

    def handle_request(self, now_s: float, value: bytes) -> None:
        """Handle a write to Control.

        Raises:
            FrameError: Too short to be a request, so that no reply can name its token.
        """
        request = Request.decode(value)
        self.advance(now_s)
        self._replies.extend(self._control.answer(now_s, request))

    def advance(self, now_s: float) -> None:
        """Let time pass: take samples, form frames, report changes."""
        self._sampler.advance(now_s)
        self._live.cut_frames()
        self._watch_leads(now_s)
        self._watch_overflow(now_s)
        self._watch_vitals(now_s)
        if self._sampler.has_ended and not self._has_reported_end:
            self._has_reported_end = True
            self._report_event(now_s, EventCode.STREAM_ENDED)

    def next_outgoing(self, *, may_indicate: bool) -> Outgoing | None:
        """Return the next notification: replies, events, live frames, battery and temperature, stored frames."""
        if self._replies and may_indicate:
            return Outgoing(Channel.CONTROL, self._replies.popleft().encode())
        if Channel.EVENT in self._subscribed and (event := self._events.pop()) is not None:
            return Outgoing(Channel.EVENT, event)
        if (frame := self._live.pop_frame()) is not None:
            return Outgoing(Channel.DATA, frame)
        if self._vitals:
            return self._vitals.popleft()
        stored = self._take_stored()
        if stored is None and self._replies and may_indicate:
            return Outgoing(Channel.CONTROL, self._replies.popleft().encode())
        return stored

    def next_due_s(self, now_s: float) -> float:
        """Return the earliest time at which something new may be due."""
        due_s = now_s + _IDLE_S
        if self._live.is_running and not self._sampler.has_ended:
            due_s = min(due_s, self._live.due_s)
        if Channel.TEMPERATURE in self._subscribed:
            due_s = min(due_s, self._thermometer.due_s)
        return due_s

    @property
    def streams(self) -> frozenset[int]:
        """Numbers of the streams: there is one."""
        return frozenset({self._stream.stream})

    def ring_report(self, now_s: float) -> RingReport:
        """Return boot id, ticks and ring."""
        rings = ((self._stream.stream, self._sampler.ring.state),)
        return RingReport(self._config.boot_id, self._sampler.ticks(now_s), rings)

    def sync(self, now_s: float) -> SyncReply:
        """Return ticks and the next index."""
        return SyncReply(self._sampler.ticks(now_s), self._sampler.ring.next_index & 0xFFFFFFFF)

    def start(self, now_s: float) -> None:
        """Start streaming with the next sample.

        Raises:
            Refused: Data is not subscribed, no sample fits the MTU, or the source has ended.
        """
        frame_samples = self._frame_samples_at(self._mtu)
        if Channel.DATA not in self._subscribed or frame_samples == 0 or self._sampler.has_ended:
            raise Refused(Status.NOT_AVAILABLE)
        if not self._sampler.has_started:
            self._sampler.start(now_s)
        self._live.start(frame_samples)

    def stop(self) -> None:
        """Stop streaming; sampling goes on."""
        self._live.stop()

    def set_name(self, name: str) -> None:
        """Change the advertised name, from the next disconnection on."""
        self.name = name

    def set_temperature_interval(self, interval_s: int) -> None:
        """Notify the temperature at this interval, and once now."""
        self._thermometer.interval_s = interval_s
        self._thermometer.notify_soon()

    def start_backfill(self, token: int, asked: Backfill) -> Backfill:
        """Start to send what the ring holds of a range, at most 10 s; return the range that will be sent.

        Raises:
            Refused: Another backfill is running, Stored Data is not subscribed, or the ring holds nothing of the range.
        """
        if self._job is not None:
            raise Refused(Status.BUSY)
        ring, frame_samples = self._sampler.ring, self._frame_samples_at(self._mtu)
        first = max(_unwrap(asked.first_index, ring.next_index), ring.oldest)
        skipped = (first - asked.first_index) & 0xFFFFFFFF
        longest = round(_LONGEST_BACKFILL_S * self._stream.rate_hz)
        count = min(asked.count - skipped, ring.next_index - first, longest)
        if count <= 0 or frame_samples == 0 or Channel.STORED_DATA not in self._subscribed:
            raise Refused(Status.NOT_AVAILABLE)
        self._job = BackfillJob(
            token, self._sampler, self._stored_cutter, first_index=first, count=count, frame_samples=frame_samples
        )
        return Backfill(asked.stream, first & 0xFFFFFFFF, count)

    def abort_backfill(self) -> Reply:
        """Stop the running backfill.

        Raises:
            Refused: None is running.
        """
        job, self._job = self._job, None
        if job is None:
            raise Refused(Status.NOT_AVAILABLE)
        return job.final_reply(Status.ABORTED)

    def set_self_test(self, now_s: float, on: bool) -> None:
        """Sample the test signal, or the real one again."""
        if on != self._sampler.self_test:
            self._sampler.self_test = on
            self._report_event(now_s, EventCode.SELF_TEST, bytes([on]))

    def _frame_samples_at(self, mtu: int) -> int:
        """Return the samples in a full frame; 0 if not even one fits."""
        payload_bytes = min(mtu, PREFERRED_MTU) - _ATT_HEADER_BYTES - OVERHEAD_BYTES
        fitting = payload_bytes // (self._stream.channels * self._stream.format.sample_bytes)
        return min(fitting, max(1, int(self._stream.rate_hz * _LONGEST_FRAME_S)))

    def _take_stored(self) -> Outgoing | None:
        if self._job is None:
            return None
        frame = self._job.next_frame()
        if frame is not None:
            return Outgoing(Channel.STORED_DATA, frame)
        self._replies.append(self._job.final_reply())
        self._job = None
        return None

    def _watch_leads(self, now_s: float) -> None:
        if self._sampler.leads_off != self._leads_off:
            self._leads_off = self._sampler.leads_off
            self._report_event(now_s, EventCode.LEAD_CHANGE, self._leads_off.to_bytes(2, "little"))

    def _watch_overflow(self, now_s: float) -> None:
        if self._live.lost_samples and now_s >= self._overflow_due_s:
            self._report_event(now_s, EventCode.OVERFLOW, self._live.lost_samples.to_bytes(4, "little"))
            self._live.lost_samples = 0
            self._overflow_due_s = now_s + _OVERFLOW_PAUSE_S

    def _watch_vitals(self, now_s: float) -> None:
        warning = self._battery.new_warning(now_s)
        if warning is not None:
            self._report_event(now_s, EventCode.LOW_BATTERY, bytes([warning]))
        if Channel.BATTERY in self._subscribed and (percent := self._battery.new_percent(now_s)) is not None:
            self._vitals.append(Outgoing(Channel.BATTERY, bytes([percent])))
        if Channel.TEMPERATURE in self._subscribed and self._thermometer.poll(now_s):
            sample_s = self._sampler.ring.next_index / self._stream.rate_hz
            self._vitals.append(Outgoing(Channel.TEMPERATURE, self._thermometer.encoded_value(sample_s)))

    def _report_event(self, now_s: float, code: EventCode, payload: bytes = b"") -> None:
        is_ours = code not in (EventCode.LOW_BATTERY, EventCode.BUTTON)
        stream = self._stream.stream if is_ours else 0
        index = self._sampler.ring.next_index & 0xFFFFFFFF
        self._events.add(SensorEvent(code, stream, index, self._sampler.ticks(now_s), payload))


def _unwrap(index: int, near: int) -> int:
    """Return the index closest to `near` that equals `index` modulo 2**32."""
    return near + ((index - near + 0x80000000) & 0xFFFFFFFF) - 0x80000000
