"""State of one sensor in a session, as a function of its records.

Everything the collector knows about a sensor follows from the records in the session file and from nothing else (event
sourcing). The link, the publisher and the decoding of a whole night handle the same records with this same class. So a
collector that was killed reads its file again and is in exactly the state it was in before, and a night decoded later
agrees with what was published live.

A record that cannot be decoded is counted and skipped: it never ends a session.
"""

from collections.abc import Callable, Mapping
from typing import Final

from crampwatch.decoding.assembly import StreamAssembly
from crampwatch.decoding.boot import Boot
from crampwatch.decoding.observation import (
    BatteryReading,
    EventReceived,
    LinkChange,
    Observation,
    SamplesReceived,
    SensorDescribed,
    TemperatureReading,
)
from crampwatch.decoding.profiles.profile import Profile
from crampwatch.protocol.anchor import Anchor
from crampwatch.protocol.errors import FrameError
from crampwatch.protocol.record_payloads import LostSamples, SignalStrength, SyncExchange
from crampwatch.protocol.records import Record, RecordKind

__all__ = ["SensorHistory"]


class SensorHistory:
    """Handles the records of one sensor in order.

    Args:
        profile: Decodes their payloads.
        anchors: Anchor of each epoch of the session; epochs may be added later.

    Attributes:
        boot: The sensor since its last power-up; None before it was described.
        is_connected: Whether it is connected.
        connections: Number of connections.
        broken_frames: Number of records that could not be decoded.
        rssi_dbm: Signal strength as last measured; None before.
    """

    def __init__(self, profile: Profile, anchors: Mapping[int, Anchor]) -> None:
        self.boot: Boot | None = None
        self.is_connected = False
        self.connections = 0
        self.broken_frames = 0
        self.rssi_dbm: int | None = None
        self._profile = profile
        self._anchors = anchors
        self._past_received = self._past_backfilled = self._past_missing = 0
        self._handlers: Final[dict[RecordKind, Callable[[Record, int], Observation | None]]] = {
            RecordKind.CONNECTED: self._handle_connected,
            RecordKind.DISCONNECTED: self._handle_disconnected,
            RecordKind.INFO: self._handle_info,
            RecordKind.DATA: self._handle_frame,
            RecordKind.STORED_DATA: self._handle_frame,
            RecordKind.EVENT: self._handle_event,
            RecordKind.TEMPERATURE: self._handle_temperature,
            RecordKind.BATTERY: self._handle_battery,
            RecordKind.SYNC: self._handle_sync,
            RecordKind.RSSI: self._handle_rssi,
            RecordKind.GAP: self._handle_gap,
        }

    @property
    def received_samples(self) -> int:
        """Number of samples received live, in all boots."""
        return self._past_received + sum(a.received_samples for a in self._assemblies)

    @property
    def backfilled_samples(self) -> int:
        """Number of samples fetched from the sensor's ring, in all boots."""
        return self._past_backfilled + sum(a.backfilled_samples for a in self._assemblies)

    @property
    def missing_samples(self) -> int:
        """Number of samples that are neither received nor backfilled at the moment, in all boots."""
        return self._past_missing + sum(a.missing_samples for a in self._assemblies)

    def handle(self, record: Record) -> Observation | None:
        """Handle the next record.

        Returns:
            What it means; None if it means nothing here, or if it is broken (then it is counted).
        """
        handler = self._handlers.get(record.kind)
        if handler is None:
            return None
        try:
            return handler(record, self._host_ns(record.epoch, record.mono_ns))
        except FrameError:
            self.broken_frames += 1
            return None

    @property
    def _assemblies(self) -> tuple[StreamAssembly, ...]:
        return () if self.boot is None else tuple(self.boot.assemblies.values())

    def _host_ns(self, epoch: int, mono_ns: int) -> int:
        if epoch not in self._anchors:
            raise FrameError(f"A record belongs to epoch {epoch}, but the session has no such epoch.")
        return self._anchors[epoch].utc_of(mono_ns)

    def _handle_connected(self, _record: Record, host_ns: int) -> LinkChange:
        self.is_connected = True
        self.connections += 1
        return LinkChange(host_ns, connected=True)

    def _handle_disconnected(self, _record: Record, host_ns: int) -> LinkChange:
        self.is_connected = False
        return LinkChange(host_ns, connected=False)

    def _handle_info(self, record: Record, host_ns: int) -> SensorDescribed:
        info = self._profile.decode_info(record.payload)
        if self.boot is not None and self.boot.is_same(info):
            self.boot.update_info(info, host_ns)
            return SensorDescribed(host_ns, self.boot, is_new=False)
        # The new boot starts with assemblies of its own: what the old ones counted is added up first.
        self._past_received, self._past_backfilled = self.received_samples, self.backfilled_samples
        self._past_missing = self.missing_samples
        self.boot = Boot(info, host_ns)
        return SensorDescribed(host_ns, self.boot, is_new=True)

    def _handle_frame(self, record: Record, host_ns: int) -> SamplesReceived:
        frame = self._profile.decode_frame(record.payload)
        boot = self._require_boot()
        is_stored = record.kind is RecordKind.STORED_DATA
        return SamplesReceived(boot, frame, boot.place_frame(frame, host_ns, is_stored=is_stored))

    def _handle_event(self, record: Record, host_ns: int) -> EventReceived:
        event = self._profile.decode_event(record.payload)
        boot = self._require_boot()
        boot.handle_event(event, host_ns)
        return EventReceived(host_ns, boot, boot.primary.unwrapped_ticks(event.ticks, host_ns), event)

    def _handle_temperature(self, record: Record, host_ns: int) -> TemperatureReading:
        return TemperatureReading(host_ns, self._profile.decode_temperature(record.payload))

    def _handle_battery(self, record: Record, host_ns: int) -> BatteryReading:
        return BatteryReading(host_ns, self._profile.decode_battery(record.payload))

    def _handle_sync(self, record: Record, _host_ns: int) -> None:
        exchange = SyncExchange.decode(record.payload)
        self._require_boot().add_sync(
            exchange.ticks,
            before_ns=self._host_ns(record.epoch, exchange.before_ns),
            after_ns=self._host_ns(record.epoch, exchange.after_ns),
        )

    def _handle_rssi(self, record: Record, _host_ns: int) -> None:
        self.rssi_dbm = SignalStrength.decode(record.payload).dbm

    def _handle_gap(self, record: Record, _host_ns: int) -> None:
        lost = LostSamples.decode(record.payload)
        assembly = self._require_boot().assemblies.get(lost.stream)
        if assembly is not None:
            assembly.mark_lost(lost.first_index, lost.samples)

    def _require_boot(self) -> Boot:
        if self.boot is None:
            raise FrameError("A notification came before the sensor's Info was read.")
        return self.boot
