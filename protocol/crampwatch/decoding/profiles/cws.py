"""CWS v1, the reference profile (docs/protocol.md). Its layouts are those of :mod:`crampwatch.protocol`."""

from typing import Final

from crampwatch.decoding.profiles.profile import Profile
from crampwatch.protocol import gatt
from crampwatch.protocol.errors import FrameError
from crampwatch.protocol.event import SensorEvent
from crampwatch.protocol.frame import OVERHEAD_BYTES, Frame
from crampwatch.protocol.info import Info
from crampwatch.protocol.records import RecordKind
from crampwatch.protocol.temperature import decode_temperature as decode_ess_temperature

__all__ = ["CWS"]

_CHECKSUM_BYTES: Final = 2
_HEADER_BYTES: Final = OVERHEAD_BYTES - _CHECKSUM_BYTES


class _Cws:
    name = "cws"
    service_uuids = frozenset({gatt.CWS_SERVICE})
    info_characteristic = gatt.INFO

    @property
    def characteristics(self) -> dict[RecordKind, str]:
        """Control comes first: the sensor refuses a request while its replies are not subscribed."""
        return {
            RecordKind.CONTROL_REPLY: gatt.CONTROL,
            RecordKind.EVENT: gatt.EVENT,
            RecordKind.TEMPERATURE: gatt.TEMPERATURE,
            RecordKind.BATTERY: gatt.BATTERY_LEVEL,
            RecordKind.STORED_DATA: gatt.STORED_DATA,
            RecordKind.DATA: gatt.DATA,
        }

    def decode_info(self, value: bytes) -> Info:
        return Info.decode(value)

    def decode_frame(self, value: bytes) -> Frame:
        return Frame.decode(value)

    def sample_payload(self, value: bytes) -> bytes:
        return value[_HEADER_BYTES:-_CHECKSUM_BYTES]

    def decode_event(self, value: bytes) -> SensorEvent:
        return SensorEvent.decode(value)

    def decode_temperature(self, value: bytes) -> float:
        return decode_ess_temperature(value)

    def decode_battery(self, value: bytes) -> int:
        if len(value) != 1 or value[0] > 100:
            raise FrameError(f"A battery level reads {value[:8].hex(' ') or 'nothing'}; expected one byte up to 100.")
        return value[0]


CWS: Final[Profile] = _Cws()
