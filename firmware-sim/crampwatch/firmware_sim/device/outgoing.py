"""What a sensor sends, and the interface between a sensor and its radio."""

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from crampwatch.protocol import gatt

__all__ = ["Channel", "Outgoing", "SensorCore"]


class Channel(Enum):
    """A characteristic that notifies or indicates."""

    CONTROL = gatt.CONTROL
    DATA = gatt.DATA
    STORED_DATA = gatt.STORED_DATA
    EVENT = gatt.EVENT
    TEMPERATURE = gatt.TEMPERATURE
    BATTERY = gatt.BATTERY_LEVEL


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A notification, or an indication on ``CONTROL``."""

    channel: Channel
    value: bytes


class SensorCore(Protocol):
    """A sensor without its radio. Times are true seconds since it booted, and never decrease."""

    @property
    def name(self) -> str:
        """As advertised."""

    @property
    def is_about_to_reboot(self) -> bool:
        """Whether the sensor will reboot, so that the radio must disconnect."""

    def info(self, now_s: float) -> bytes:
        """Return the value of Info."""

    def battery(self, now_s: float) -> bytes:
        """Return the value of Battery Level."""

    def temperature(self, now_s: float) -> bytes:
        """Return the value of Temperature."""

    def connect(self, now_s: float) -> None:
        """Handle a new connection."""

    def disconnect(self, now_s: float) -> None:
        """Handle a disconnection: streams stop, sampling goes on."""

    def set_mtu(self, mtu: int) -> None:
        """Set the ATT MTU, initially 23."""

    def subscribe(self, now_s: float, channel: Channel, enabled: bool) -> None:
        """Handle a change of a client characteristic configuration."""

    def handle_request(self, now_s: float, value: bytes) -> None:
        """Handle a write to Control; `next_outgoing` returns the reply.

        Raises:
            FrameError: Too short to be a request, so that no reply can name its token.
        """

    def advance(self, now_s: float) -> None:
        """Let time pass."""

    def next_outgoing(self, *, may_indicate: bool) -> Outgoing | None:
        """Return the most urgent notification; None if there is none.

        Args:
            may_indicate: Whether the previous indication was confirmed.
        """

    def next_due_s(self, now_s: float) -> float:
        """Return the earliest time at which something new may be due; `advance` need not be called before."""
