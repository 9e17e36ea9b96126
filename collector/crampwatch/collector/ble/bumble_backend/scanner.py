"""bleak's scanner on a :class:`BumbleAdapter`."""

from collections.abc import Sequence
from typing import Any, Final, Literal

from bleak.backends.scanner import AdvertisementData, AdvertisementDataCallback, BaseBleakScanner
from bleak.uuids import normalize_uuid_str
from bumble import core
from bumble.device import Advertisement
from crampwatch.collector.ble.bumble_backend.adapter import BumbleAdapter

__all__ = ["BumbleScanner"]

_Type = core.AdvertisingData.Type
_NAMES = (_Type.COMPLETE_LOCAL_NAME, _Type.SHORTENED_LOCAL_NAME)
_UUID_LISTS: Final[dict[int, int]] = {
    _Type.INCOMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS: 2,
    _Type.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS: 2,
    _Type.INCOMPLETE_LIST_OF_32_BIT_SERVICE_CLASS_UUIDS: 4,
    _Type.COMPLETE_LIST_OF_32_BIT_SERVICE_CLASS_UUIDS: 4,
    _Type.INCOMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS: 16,
    _Type.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS: 16,
}
_SERVICE_DATA: Final[dict[int, int]] = {
    _Type.SERVICE_DATA_16_BIT_UUID: 2,
    _Type.SERVICE_DATA_32_BIT_UUID: 4,
    _Type.SERVICE_DATA_128_BIT_UUID: 16,
}


class BumbleScanner(BaseBleakScanner):
    """Use as ``BleakScanner(..., **scanner_arguments(adapter))``.

    Args:
        detection_callback: As in bleak.
        service_uuids: As in bleak.
        scanning_mode: ``active`` asks advertisers for their scan response.
        bumble: The adapter to scan with; if it loses its transport, scanning resumes when it is back.
        kwargs: Options of other backends; ignored.
    """

    def __init__(
        self,
        detection_callback: AdvertisementDataCallback | None,
        service_uuids: list[str] | None,
        scanning_mode: Literal["active", "passive"],
        *,
        bumble: BumbleAdapter,
        **kwargs: Any,  # noqa: ARG002 - bleak passes the options of all backends to each
    ) -> None:
        super().__init__(detection_callback, service_uuids)
        self._adapter = bumble
        self._is_active = scanning_mode == "active"

    async def start(self) -> None:
        """Start scanning."""
        self.seen_devices = {}
        await self._adapter.add_listener(self._on_advertisement, active=self._is_active)

    async def stop(self) -> None:
        """Stop scanning."""
        await self._adapter.remove_listener(self._on_advertisement)

    def _on_advertisement(self, advertisement: Advertisement) -> None:
        data = _advertisement_data(advertisement)
        if not self.is_allowed_uuid(data.service_uuids):
            return
        address = advertisement.address.to_string(False)
        device = self.create_or_update_device(address, address, data.local_name, advertisement.address, data)
        self.call_detection_callbacks(device, data)


def _advertisement_data(advertisement: Advertisement) -> AdvertisementData:
    structures = advertisement.data.ad_structures
    names = [content.decode(errors="replace") for kind, content in structures if kind in _NAMES]
    manufacturers = {
        int.from_bytes(content[:2], "little"): content[2:]
        for kind, content in structures
        if kind == _Type.MANUFACTURER_SPECIFIC_DATA and len(content) >= 2
    }
    powers = [
        int.from_bytes(content, "little", signed=True) for kind, content in structures if kind == _Type.TX_POWER_LEVEL
    ]
    return AdvertisementData(
        local_name=names[0] if names else None,
        manufacturer_data=manufacturers,
        service_data=_service_data(structures),
        service_uuids=_service_uuids(structures),
        tx_power=powers[0] if powers else None,
        rssi=advertisement.rssi,
        platform_data=(advertisement,),
    )


def _service_uuids(structures: Sequence[tuple[int, bytes]]) -> list[str]:
    found: list[str] = []
    for kind, content in structures:
        width = _UUID_LISTS.get(kind)
        if width is not None:
            found += [_format_uuid(content[at : at + width]) for at in range(0, len(content) - width + 1, width)]
    return found


def _service_data(structures: Sequence[tuple[int, bytes]]) -> dict[str, bytes]:
    return {
        _format_uuid(content[: _SERVICE_DATA[kind]]): content[_SERVICE_DATA[kind] :]
        for kind, content in structures
        if kind in _SERVICE_DATA and len(content) >= _SERVICE_DATA[kind]
    }


def _format_uuid(value: bytes) -> str:
    return normalize_uuid_str(core.UUID.from_bytes(value).to_hex_str("-"))
