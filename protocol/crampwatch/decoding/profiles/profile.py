"""The seam to other sensors: pure functions from a characteristic's bytes to what the pipeline understands.

How to support another sensor in an evening:

1. Copy :mod:`.cws`, the reference profile, to a module named after the device, and implement :class:`Profile`. Every
   method gets the bytes of one read or notification and returns a value; nothing does I/O, keeps state or looks at a
   clock. Whatever cannot be decoded raises `FrameError`: it is recorded and counted, and nothing else happens.
2. Add it to `PROFILES` in this package. Its `name` is stored in session files, so it must never change.
3. Test it with notifications captured from the device. Everything that reads sessions (publishing, the page, export,
   the final analysis) then understands them. A session recorded with a mistake here can be decoded again once it is
   corrected, because the file holds the bytes as received.
4. Recording over the radio: so far `crampwatch.collector.ble` scans for, subscribes to and commands CWS v1 sensors
   only. `service_uuids`, `info_characteristic` and `characteristics` are what it needs to know of another one.

What the pipeline relies on, and what to do if the sensor lacks it:

* **A sample index** that counts every sample since power-up, lost ones included, modulo 2**32: gaps are exact because
  of it. A sensor with a packet counter gives ``counter * samples_per_packet``. Without any counter, gaps cannot be
  seen, and the profile should say so in its documentation.
* **Ticks** of the sensor's own clock at the first sample of each frame. Without them, ``index * tick_hz / rate_hz``
  serves: the sample rate then is the clock, and its drift is fitted like that of any other.
* **An Info** that describes streams, rates and scales. A sensor that cannot describe itself gets one that the profile
  makes up from what is known of the device; `boot_id` must change whenever the index starts again.
* **Backfill, events, temperature and battery** are optional: leave their characteristics out.
"""

from typing import Protocol

from crampwatch.protocol.event import SensorEvent
from crampwatch.protocol.frame import Frame
from crampwatch.protocol.info import Info
from crampwatch.protocol.records import RecordKind

__all__ = ["Profile"]


class Profile(Protocol):
    """Decodes one kind of sensor. Each method raises `FrameError` for bytes that it cannot decode."""

    @property
    def name(self) -> str:
        """Name in session files; it never changes."""

    @property
    def service_uuids(self) -> frozenset[str]:
        """A device that advertises any of these UUIDs is such a sensor."""

    @property
    def info_characteristic(self) -> str:
        """UUID of the characteristic that is read first; its value becomes the INFO record."""

    @property
    def characteristics(self) -> dict[RecordKind, str]:
        """UUIDs of the characteristics to subscribe to, in this order, by the kind of record of their notifications."""

    def decode_info(self, value: bytes) -> Info:
        """Decode the sensor's description of itself (INFO)."""

    def decode_frame(self, value: bytes) -> Frame:
        """Decode and check a notification of samples (DATA and STORED_DATA)."""

    def sample_payload(self, value: bytes) -> bytes:
        """Return the `payload` of a notification that `decode_frame` has accepted, without checking it again.

        A whole night is read through this method, so it should only slice.
        """

    def decode_event(self, value: bytes) -> SensorEvent:
        """Decode an event, such as a pressed button or a lost contact (EVENT)."""

    def decode_temperature(self, value: bytes) -> float:
        """Decode a skin temperature in degrees Celsius; NaN if the sensor has no reading (TEMPERATURE)."""

    def decode_battery(self, value: bytes) -> int:
        """Decode the charge left in percent (BATTERY)."""
