"""UUIDs of CWS v1 in GATT: the service, its characteristics, and the standard ones that it uses.

Byte layouts are in docs/protocol.md; all numbers are little-endian.
"""

from typing import Final

__all__ = [
    "BATTERY_LEVEL",
    "CONTROL",
    "CWS_SERVICE",
    "DATA",
    "EVENT",
    "FIRMWARE_REVISION",
    "INFO",
    "MANUFACTURER_NAME",
    "MODEL_NUMBER",
    "SERIAL_NUMBER",
    "STORED_DATA",
    "TEMPERATURE",
    "assigned_uuid",
    "cws_uuid",
]


def cws_uuid(number: int) -> str:
    """Return the 128-bit UUID of a 16-bit number on the CWS base."""
    return f"4cce{number:04x}-eaa4-488a-a30e-5b63503426be"


def assigned_uuid(number: int) -> str:
    """Return the 128-bit UUID of a number assigned by the Bluetooth SIG (Core, Vol 3, Part B, 2.5.1)."""
    return f"0000{number:04x}-0000-1000-8000-00805f9b34fb"


CWS_SERVICE: Final = cws_uuid(0x0001)
INFO: Final = cws_uuid(0x0002)
CONTROL: Final = cws_uuid(0x0003)
DATA: Final = cws_uuid(0x0004)
EVENT: Final = cws_uuid(0x0005)
STORED_DATA: Final = cws_uuid(0x0006)

BATTERY_LEVEL: Final = assigned_uuid(0x2A19)
TEMPERATURE: Final = assigned_uuid(0x2A6E)
MODEL_NUMBER: Final = assigned_uuid(0x2A24)
SERIAL_NUMBER: Final = assigned_uuid(0x2A25)
FIRMWARE_REVISION: Final = assigned_uuid(0x2A26)
MANUFACTURER_NAME: Final = assigned_uuid(0x2A29)
