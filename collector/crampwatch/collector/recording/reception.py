"""One sensor's reception: what its link hands over is recorded, then taken into the sensor's history."""

import asyncio

from crampwatch.collector.policy.backfill import plan
from crampwatch.collector.recording.host_clock import HostClock
from crampwatch.collector.recording.recorder import Recorder
from crampwatch.decoding.history import SensorHistory
from crampwatch.decoding.observation import EventReceived, SamplesReceived, SensorDescribed
from crampwatch.protocol.control import Backfill, RingReport
from crampwatch.protocol.event import EventCode
from crampwatch.protocol.info import Info
from crampwatch.protocol.record_payloads import LostSamples
from crampwatch.protocol.records import Record, RecordKind

__all__ = ["Reception"]


class Reception:
    """What a :class:`crampwatch.collector.ble.link.Link` reports to.

    Args:
        sensor_key: In the session file.
        history: Of the sensor, up to now.
        recorder: Of the session.
        clock: Of the session.

    Attributes:
        gap: Set when samples are missing.
        ended: Set when every stream has told its end, as a replay does.
        identity: Its Device Information strings, as last read.
    """

    def __init__(self, sensor_key: int, history: SensorHistory, recorder: Recorder, clock: HostClock) -> None:
        self.gap = asyncio.Event()
        self.ended = asyncio.Event()
        self.identity: dict[str, str] = {}
        self.history = history
        self._key = sensor_key
        self._recorder = recorder
        self._clock = clock
        self._ended_streams: set[int] = set()

    @property
    def is_complete(self) -> bool:
        """Whether nothing is missing that the sensor might still give."""
        boot = self.history.boot
        return boot is None or not any(assembly.has_gaps for assembly in boot.assemblies.values())

    def on_record(self, kind: RecordKind, payload: bytes) -> None:
        """Take what arrived, or what happened."""
        record = self._recorder.put(self._key, kind, payload)
        if record is not None:  # else it counts as not received, and is fetched later
            self.take(record)

    def take(self, record: Record) -> None:
        """Take a record that is, or soon will be, in the session file."""
        observation = self.history.handle(record)
        if isinstance(observation, SamplesReceived):
            if observation.boot.assemblies[observation.frame.stream].has_gaps:
                self.gap.set()
        elif isinstance(observation, SensorDescribed) and observation.is_new:
            self._ended_streams.clear()
            self.ended.clear()
        elif isinstance(observation, EventReceived) and observation.event.code == EventCode.STREAM_ENDED:
            self._ended_streams.add(observation.event.stream)
            self.gap.set()  # its last samples may have been lost on the way
            if self._ended_streams >= observation.boot.assemblies.keys():
                self.ended.set()

    def on_info(self, info: Info, identity: dict[str, str]) -> None:  # noqa: ARG002 - the history has read it
        """Learn who the sensor is, at every connection."""
        self.identity = identity

    def missing(self, rings: RingReport) -> list[Backfill]:
        """Return what the sensor can still give of what is missing; note what nobody holds any more."""
        boot = self.history.boot
        if boot is None:
            return []
        planned = plan(boot, rings, self._clock.utc_ns())
        for stream, (start, end) in planned.lost:
            self.on_record(RecordKind.GAP, LostSamples(stream, start, end - start).encode())
        return list(planned.wanted)
