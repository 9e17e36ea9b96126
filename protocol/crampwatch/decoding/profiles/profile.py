"""The seam to foreign sensors: pure functions from what a characteristic holds to what the pipeline understands."""

from typing import Protocol

from crampwatch.protocol.event import SensorEvent
from crampwatch.protocol.frame import Frame
from crampwatch.protocol.info import Info
from crampwatch.protocol.records import RecordKind

__all__ = ["Profile"]


class Profile(Protocol):
    """Reads one kind of sensor. Everything raises FrameError on what it cannot read.

    A sensor that has no sample index, ticks or description of itself gets them here: its profile makes an `Info` of
    what is known of the device, and tells each notification as a `Frame` with index and ticks made of its counter.
    """

    @property
    def name(self) -> str:
        """As in the session file."""

    @property
    def service_uuids(self) -> frozenset[str]:
        """Any of these UUIDs in an advertisement marks such a sensor."""

    @property
    def characteristics(self) -> dict[RecordKind, str]:
        """Characteristics to subscribe to, in order, by the kind of record their notifications are."""

    @property
    def info_characteristic(self) -> str:
        """What is read first; its value is the INFO record."""

    def decode_info(self, value: bytes) -> Info:
        """Read what the sensor says of itself."""

    def decode_frame(self, value: bytes) -> Frame:
        """Read a notification of samples, live or stored."""

    def sample_payload(self, value: bytes) -> bytes:
        """Return the payload of the frame of a notification that `frame` has accepted before: no check is repeated."""

    def decode_event(self, value: bytes) -> SensorEvent:
        """Read an event."""

    def decode_temperature(self, value: bytes) -> float:
        """Read a temperature; NaN where the sensor does not know."""

    def decode_battery(self, value: bytes) -> int:
        """Read a battery level."""
