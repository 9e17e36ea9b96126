"""What a sensor has to send, and the interface between a sensor and its radio."""

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
    """One notification, or (``CONTROL``) indication."""

    channel: Channel
    value: bytes


class SensorCore(Protocol):
    """A sensor without its radio. Times are true seconds since its boot and never go back."""

    @property
    def name(self) -> str:
        """As advertised."""

    @property
    def hangs_up(self) -> bool:
        """Whether the sensor ends the connection: it is about to boot again."""

    def info(self, now_s: float) -> bytes:
        """Return the value of Info."""

    def battery(self, now_s: float) -> bytes:
        """Return the value of Battery Level."""

    def temperature(self, now_s: float) -> bytes:
        """Return the value of Temperature."""

    def connect(self, now_s: float) -> None:
        """Begin a connection."""

    def disconnect(self, now_s: float) -> None:
        """End it: streams stop, sampling goes on."""

    def set_mtu(self, mtu: int) -> None:
        """Learn the ATT MTU; 23 until told otherwise."""

    def subscribe(self, now_s: float, channel: Channel, enabled: bool) -> None:
        """Follow a change of a client characteristic configuration."""

    def request(self, now_s: float, value: bytes) -> None:
        """Take a write to Control; the reply is taken like all else.

        Raises:
            FrameError: Too short to be a request, so that no reply can name its token.
        """

    def advance(self, now_s: float) -> None:
        """Let time pass."""

    def take(self, *, may_indicate: bool) -> Outgoing | None:
        """Return the next thing to send, the most urgent first; None where there is nothing.

        Args:
            may_indicate: Whether the previous indication was confirmed.
        """

    def next_due_s(self, now_s: float) -> float:
        """Return when something new is due at the earliest: no need to advance before."""
