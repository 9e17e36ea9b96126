"""Arguments that make bleak's client and scanner use a :class:`BumbleAdapter`."""

from typing import Any

from crampwatch.collector.ble.bumble_backend.adapter import BumbleAdapter
from crampwatch.collector.ble.bumble_backend.client import BumbleClient
from crampwatch.collector.ble.bumble_backend.scanner import BumbleScanner

__all__ = ["client_arguments", "scanner_arguments"]


def client_arguments(adapter: BumbleAdapter) -> dict[str, Any]:
    """Return keyword arguments that make a ``BleakClient`` use the adapter."""
    return {"backend": BumbleClient, "bumble": adapter}


def scanner_arguments(adapter: BumbleAdapter) -> dict[str, Any]:
    """Return keyword arguments that make a ``BleakScanner`` use the adapter."""
    return {"backend": BumbleScanner, "bumble": adapter}
