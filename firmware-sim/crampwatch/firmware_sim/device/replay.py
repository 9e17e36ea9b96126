"""A sensor that replays a recorded session byte for byte."""

import math
from collections import deque
from typing import Final

from crampwatch.firmware_sim.device.control_point import ControlPoint, Refused
from crampwatch.firmware_sim.device.outgoing import Channel, Outgoing
from crampwatch.firmware_sim.device.playback import Playback
from crampwatch.firmware_sim.device.timeline import Timeline
from crampwatch.protocol.control import Backfill, BackfillDone, Opcode, Reply, Request, RingReport, Status, SyncReply
from crampwatch.protocol.info import mark_as_replay
from crampwatch.protocol.temperature import encode_temperature

__all__ = ["ReplayDevice"]

_IDLE_S: Final = 1.0
_QUEUED: Final = 4_096
"""Notifications that may wait for the link: four minutes at 17 per second. Later ones count as missed."""


class ReplayDevice:
    """Replays the notifications of a session with their recorded intervals, from the first START on.

    Info is that of the recorded sensor, marked as a replay. Frames that were fetched by backfill in the recording are
    not played but answer backfill requests, and so do frames that become due while no host receives them. If the
    sensor rebooted during the recording, the replay disconnects and "reboots" at the same point.

    Args:
        name: As advertised.
        timeline: The recording.
    """

    def __init__(self, name: str, timeline: Timeline) -> None:
        self.name = name
        self._timeline = timeline
        self._boot_number = 0
        self._playback = Playback(timeline, 0)
        self._subscribed: set[Channel] = set()
        self._replies: deque[Reply] = deque()
        self._queue: deque[Outgoing] = deque()
        self._job: _Backfill | None = None
        self._control = ControlPoint(self)
        self._is_streaming = False
        self._has_reported_end = False
        self._temperature = encode_temperature(math.nan)
        self._battery = b"\x64"

    @property
    def is_about_to_reboot(self) -> bool:
        """Whether this boot of the recording is over and another one follows."""
        return self._playback.has_ended and not self._queue and not self._playback.is_last

    def info(self, now_s: float) -> bytes:  # noqa: ARG002 - recorded, and does not change
        """Return the value of Info as recorded, marked as a replay."""
        return mark_as_replay(self._playback.boot.info_value)

    def battery(self, now_s: float) -> bytes:  # noqa: ARG002 - the last one played
        """Return the value of Battery Level last played; full before the first."""
        return self._battery

    def temperature(self, now_s: float) -> bytes:  # noqa: ARG002 - the last one played
        """Return the value of Temperature last played; "unknown" before the first."""
        return self._temperature

    def connect(self, now_s: float) -> None:
        """Handle a new connection."""
        self.disconnect(now_s)

    def disconnect(self, now_s: float) -> None:
        """Handle a disconnection; playing goes on, and frames that become due are stored for backfills."""
        self.advance(now_s)
        is_rebooting = self.is_about_to_reboot
        self._subscribed.clear()
        self._replies.clear()
        self._job = None
        self._is_streaming = False
        for outgoing in self._queue:
            self._playback.store_missed(outgoing)
        self._queue.clear()
        if is_rebooting:
            self._boot_number += 1
            self._playback = Playback(self._timeline, self._boot_number)

    def set_mtu(self, mtu: int) -> None:
        """Do nothing: frames keep their recorded size."""

    def subscribe(self, now_s: float, channel: Channel, enabled: bool) -> None:
        """Handle a change of a client characteristic configuration."""
        self.advance(now_s)
        if enabled:
            self._subscribed.add(channel)
        else:
            self._subscribed.discard(channel)

    def handle_request(self, now_s: float, value: bytes) -> None:
        """Handle a write to Control.

        Raises:
            FrameError: Too short to be a request, so that no reply can name its token.
        """
        request = Request.decode(value)
        self.advance(now_s)
        self._replies.extend(self._control.answer(now_s, request))

    def advance(self, now_s: float) -> None:
        """Play what has become due."""
        for outgoing in self._playback.pop_due(now_s):
            self._play(outgoing)
        is_over = self._playback.has_ended and self._playback.is_last
        if is_over and not self._has_reported_end and Channel.EVENT in self._subscribed:
            self._has_reported_end = True
            self._queue.append(self._playback.stream_ended_event(now_s))

    def next_outgoing(self, *, may_indicate: bool) -> Outgoing | None:
        """Return the next notification: replies, recorded notifications in their order, stored frames."""
        if self._replies and may_indicate:
            return Outgoing(Channel.CONTROL, self._replies.popleft().encode())
        if self._queue:
            return self._queue.popleft()
        if self._job is None:
            return None
        packet = self._job.next_frame()
        if packet is not None:
            return Outgoing(Channel.STORED_DATA, packet)
        self._replies.append(self._job.final_reply(Status.SUCCESS))
        self._job = None
        return self.next_outgoing(may_indicate=may_indicate)

    def next_due_s(self, now_s: float) -> float:
        """Return when the next recorded notification is due."""
        due_s = self._playback.next_due_s(now_s)
        return now_s + _IDLE_S if due_s is None else min(now_s + _IDLE_S, due_s)

    @property
    def streams(self) -> frozenset[int]:
        """Numbers of the streams."""
        return self._playback.streams

    def ring_report(self, now_s: float) -> RingReport:
        """Return boot id and ticks as recorded, and the rings as far as the recording was played."""
        boot_id, ticks = self._playback.boot.info.boot_id, self._playback.ticks(now_s)
        return RingReport(boot_id, ticks, self._playback.rings())

    def sync(self, now_s: float) -> SyncReply:
        """Return ticks and next index as recorded."""
        return SyncReply(self._playback.ticks(now_s), self._playback.index(now_s))

    def start(self, now_s: float) -> None:
        """Start playing, or resume streaming what is played.

        Raises:
            Refused: Data is not subscribed, or the recording is over.
        """
        if Channel.DATA not in self._subscribed or self._playback.has_ended:
            raise Refused(Status.NOT_AVAILABLE)
        self._is_streaming = True
        self._playback.start(now_s)

    def stop(self) -> None:
        """Stop streaming; what is played from now on is stored for backfills."""
        self._is_streaming = False

    def set_name(self, name: str) -> None:  # noqa: ARG002 - refused
        """Refuse: the settings of a recording are fixed."""
        raise Refused(Status.NOT_AVAILABLE)

    def set_temperature_interval(self, interval_s: int) -> None:  # noqa: ARG002 - refused
        """Refuse: the settings of a recording are fixed."""
        raise Refused(Status.NOT_AVAILABLE)

    def start_backfill(self, token: int, asked: Backfill) -> Backfill:
        """Start to send the frames with samples of a range: complete frames, so maybe a little more.

        Raises:
            Refused: Another backfill is running, Stored Data is not subscribed, or nothing of the range was recorded.
        """
        if self._job is not None:
            raise Refused(Status.BUSY)
        held = self._playback.frames_covering(asked)
        if not held or Channel.STORED_DATA not in self._subscribed:
            raise Refused(Status.NOT_AVAILABLE)
        self._job = _Backfill(token, [(packet, self._playback.count_samples(packet, asked.stream)) for packet in held])
        return asked

    def abort_backfill(self) -> Reply:
        """Stop the running backfill.

        Raises:
            Refused: None is running.
        """
        job, self._job = self._job, None
        if job is None:
            raise Refused(Status.NOT_AVAILABLE)
        return job.final_reply(Status.ABORTED)

    def set_self_test(self, now_s: float, on: bool) -> None:  # noqa: ARG002 - refused
        """Refuse: only the recording is played."""
        raise Refused(Status.NOT_AVAILABLE)

    def _play(self, outgoing: Outgoing) -> None:
        if outgoing.channel is Channel.TEMPERATURE:
            self._temperature = outgoing.value
        elif outgoing.channel is Channel.BATTERY:
            self._battery = outgoing.value
        wanted = outgoing.channel in self._subscribed and (self._is_streaming or outgoing.channel is not Channel.DATA)
        if wanted and len(self._queue) < _QUEUED:
            self._queue.append(outgoing)
        else:
            self._playback.store_missed(outgoing)


class _Backfill:
    """Frames on their way to a host that requested them."""

    def __init__(self, token: int, packets: list[tuple[bytes, int]]) -> None:
        self._token = token
        self._packets = deque(packets)
        self._sent_frames = self._sent_samples = 0

    def next_frame(self) -> bytes | None:
        if not self._packets:
            return None
        packet, samples = self._packets.popleft()
        self._sent_frames += 1
        self._sent_samples += samples
        return packet

    def final_reply(self, status: Status) -> Reply:
        counts = BackfillDone(self._sent_frames, self._sent_samples)
        return Reply(Opcode.BACKFILL, self._token, status, counts.encode(), done=True)
