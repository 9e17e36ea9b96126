"""The medium between virtual controllers: advertisements, connections, range and loss."""

import asyncio
import random

from bumble import hci, ll
from bumble.controller import Controller
from crampwatch.firmware_sim.radio.controller import AirController, AirMedium
from crampwatch.firmware_sim.radio.link import AirLink, LinkTiming
from crampwatch.firmware_sim.radio.link_layer import AirPath, Side

__all__ = ["Air"]


class Air(AirMedium):
    """Connects all virtual controllers.

    Range, loss and signal strength (`AirPath`) belong to a sensor: they are the same for everyone who listens to it.

    Args:
        seed: Determines which packets are lost.
        speed: How many times faster than real time sensors run. The capacity of the air grows with it; the supervision
            timeout does not shrink.
    """

    def __init__(self, *, seed: int = 0, speed: float = 1.0) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # bumble 0.0.236 leaves it untyped
        self.speed = speed
        self._seed = seed
        self._links: set[AirLink] = set()
        self._links_made = 0
        self._paths: dict[hci.Address, AirPath] = {}
        self._rng = self._new_rng("advertising")

    @property
    def advert_delay_s(self) -> float:
        """The random part of an advertising interval, 0 to 10 ms (Core 5.4, Vol 6, Part B, 4.4.2.2.1)."""
        return self._rng.uniform(0, 0.01)

    def path(self, sensor: hci.Address) -> AirPath:
        """Return range, loss and signal strength of a sensor."""
        return self._paths.get(sensor, AirPath())

    def set_path(self, sensor: hci.Address, path: AirPath) -> None:
        """Change range, loss and signal strength of a sensor from now on."""
        links = [link for link in self._links if link.sensor == sensor]
        for link in links:
            link.on_path_changing()
        self._paths[sensor] = path
        for link in links:
            link.on_path_changed()

    def drop_connections(self, controller: Controller) -> None:
        """End the connections of a controller without notice: its peers notice by their supervision timeout."""
        for link in list(self._links):
            for side, end in list(link.ends.items()):
                if getattr(end, "controller", None) is controller:
                    link.sever(side)

    def detach(self, controller: AirController) -> None:
        """Take a controller off the air, as a crash or an unplugged dongle does."""
        controller.le_legacy_advertiser.stop()
        self.controllers.discard(controller)
        self.drop_connections(controller)

    def forget(self, link: AirLink) -> None:
        """Drop a connection that has ended on both sides."""
        self._links.discard(link)

    def scan_response(self, advertiser: hci.Address) -> bytes:
        """Return the scan response of an advertiser; empty if it is gone."""
        found = self._find_advertiser(advertiser)
        return b"" if found is None else found.le_legacy_advertiser.scan_response_data

    def send_advertising_pdu(self, sender_controller: Controller, packet: ll.AdvertisingPdu) -> None:
        """Deliver an advertisement to everyone in range."""
        if not isinstance(packet, ll.AdvInd):
            return
        path = self.path(packet.advertiser_address)
        loop = asyncio.get_running_loop()
        for listener in self.controllers:
            if listener is not sender_controller and path.delivers(self._rng):
                loop.call_soon(listener.on_ll_advertising_pdu, packet)

    def connect(
        self, central: AirController, own_address: hci.Address, sensor: hci.Address, timing: LinkTiming
    ) -> bool:
        """Open a connection to an advertiser; return False if it is no longer advertising."""
        peripheral = self._find_advertiser(sensor)
        if peripheral is None:
            return False
        self._links_made += 1
        link = AirLink(self, sensor, timing, self._new_rng(f"link {self._links_made}"))
        self._links.add(link)
        peripheral.le_legacy_advertiser.stop()
        link.ends[Side.CENTRAL] = central.open_link(link, Side.CENTRAL, own_address, sensor, timing)
        link.ends[Side.PERIPHERAL] = peripheral.open_link(link, Side.PERIPHERAL, sensor, own_address, timing)
        return True

    def _find_advertiser(self, address: hci.Address) -> AirController | None:
        for controller in self.controllers:
            advertiser = controller.le_legacy_advertiser
            if isinstance(controller, AirController) and advertiser.enabled and advertiser.address == address:
                return controller
        return None

    def _new_rng(self, purpose: str) -> random.Random:
        return random.Random(f"{self._seed} {purpose}")  # noqa: S311 - a radio model, nothing to keep secret
