"""One sensor's reception: what its link delivers is recorded, and then updates the sensor's history."""

import asyncio

from crampwatch.collector.policy.backfill import plan_backfill
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
    """Listens to a :class:`crampwatch.collector.ble.link.Link`.

    Args:
        sensor_key: The sensor's key in the session file.
        history: State of the sensor; in a resumed session that of all earlier records.
        recorder: Recorder of the session.
        clock: Clock of the session.

    Attributes:
        gap: Set when samples are missing.
        ended: Set when every stream has announced its end, as at the end of a replay.
        identity: The sensor's Device Information strings, as last read.
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
        """Whether no samples are missing that the sensor might still send."""
        boot = self.history.boot
        return boot is None or not any(assembly.has_gaps for assembly in boot.assemblies.values())

    def on_record(self, kind: RecordKind, payload: bytes) -> None:
        """Record what arrived, or what happened on the link."""
        record = self._recorder.record(self._key, kind, payload)
        if record is not None:  # a refused record counts as not received: its samples are a gap, and fetched later
            self.update(record)

    def update(self, record: Record) -> None:
        """Update the state with a record that is, or soon will be, in the session file."""
        observation = self.history.handle(record)
        if isinstance(observation, SamplesReceived):
            if observation.boot.assemblies[observation.frame.stream].has_gaps:
                self.gap.set()
        elif isinstance(observation, SensorDescribed) and observation.is_new:
            self._ended_streams.clear()
            self.ended.clear()
        elif isinstance(observation, EventReceived) and observation.event.code == EventCode.STREAM_ENDED:
            self._ended_streams.add(observation.event.stream)
            self.gap.set()  # its last samples may have been lost, and no later frame would show the gap
            if self._ended_streams >= observation.boot.assemblies.keys():
                self.ended.set()

    def on_info(self, info: Info, identity: dict[str, str]) -> None:  # noqa: ARG002 - the history has read it
        """Note the identity of the sensor, which is read at every connection."""
        self.identity = identity

    def plan_backfill(self, rings: RingReport) -> list[Backfill]:
        """Return the requests for missing samples that the sensor still holds; record those that are lost."""
        boot = self.history.boot
        if boot is None:
            return []
        plan = plan_backfill(boot, rings, self._clock.utc_ns())
        for stream, (start, end) in plan.lost:
            self.on_record(RecordKind.GAP, LostSamples(stream, start, end - start).encode())
        return list(plan.requests)
