"""The air that joins virtual controllers: advertisements, connections, range and loss."""

import asyncio
import random

from bumble import hci, ll
from bumble.controller import Controller
from crampwatch.firmware_sim.radio.arq import AirPath, Side
from crampwatch.firmware_sim.radio.controller import AirController, AirMedium
from crampwatch.firmware_sim.radio.link import AirLink, LinkTiming

__all__ = ["Air"]


class Air(AirMedium):
    """All virtual controllers within earshot.

    A path is a property of the sensor (the advertiser): whoever listens to it meets the same loss.

    Args:
        seed: Decides which packets are lost.
        speed: How many times faster than real time sensors live; the air's capacity grows with it, the supervision
            timeout stays in real time.
    """

    def __init__(self, *, seed: int = 0, speed: float = 1.0) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # bumble 0.0.236 leaves it untyped
        self.speed = speed
        self._seed = seed
        self._links: set[AirLink] = set()
        self._links_made = 0
        self._paths: dict[hci.Address, AirPath] = {}
        self._chance = self._new_chance("advertising")

    @property
    def advert_delay_s(self) -> float:
        """The random part of an advertising interval, 0 to 10 ms (Core 5.4, Vol 6, Part B, 4.4.2.2.1)."""
        return self._chance.uniform(0, 0.01)

    def path(self, sensor: hci.Address) -> AirPath:
        """Return what the air is like around a sensor."""
        return self._paths.get(sensor, AirPath())

    def set_path(self, sensor: hci.Address, path: AirPath) -> None:
        """Change what the air is like around a sensor, from now on."""
        links = [link for link in self._links if link.sensor == sensor]
        for link in links:
            link.on_path_changing()
        self._paths[sensor] = path
        for link in links:
            link.on_path_changed()

    def silence(self, controller: Controller) -> None:
        """End a controller's connections without a word: its peers learn by their supervision timeout."""
        for link in list(self._links):
            for side, end in list(link.ends.items()):
                if getattr(end, "controller", None) is controller:
                    link.sever(side)

    def detach(self, controller: AirController) -> None:
        """Take a controller off the air, as a crash or an unplugged dongle does."""
        controller.le_legacy_advertiser.stop()
        self.controllers.discard(controller)
        self.silence(controller)

    def forget(self, link: AirLink) -> None:
        """Drop a connection that has ended on both sides."""
        self._links.discard(link)

    def scan_response(self, advertiser: hci.Address) -> bytes:
        """Return what an advertiser answers to an active scanner; empty where it is gone."""
        found = self._advertiser(advertiser)
        return b"" if found is None else found.le_legacy_advertiser.scan_response_data

    def send_advertising_pdu(self, sender_controller: Controller, packet: ll.AdvertisingPdu) -> None:
        """Let everyone in range hear an advertisement."""
        if not isinstance(packet, ll.AdvInd):
            return
        path = self.path(packet.advertiser_address)
        loop = asyncio.get_running_loop()
        for listener in self.controllers:
            if listener is not sender_controller and path.lets_through(self._chance):
                loop.call_soon(listener.on_ll_advertising_pdu, packet)

    def connect(
        self, central: AirController, own_address: hci.Address, sensor: hci.Address, timing: LinkTiming
    ) -> bool:
        """Open a connection to an advertiser; False where it advertises no more."""
        peripheral = self._advertiser(sensor)
        if peripheral is None:
            return False
        self._links_made += 1
        link = AirLink(self, sensor, timing, self._new_chance(f"link {self._links_made}"))
        self._links.add(link)
        peripheral.le_legacy_advertiser.stop()
        link.ends[Side.CENTRAL] = central.open_link(link, Side.CENTRAL, own_address, sensor, timing)
        link.ends[Side.PERIPHERAL] = peripheral.open_link(link, Side.PERIPHERAL, sensor, own_address, timing)
        return True

    def _advertiser(self, address: hci.Address) -> AirController | None:
        for controller in self.controllers:
            advertiser = controller.le_legacy_advertiser
            if isinstance(controller, AirController) and advertiser.enabled and advertiser.address == address:
                return controller
        return None

    def _new_chance(self, purpose: str) -> random.Random:
        return random.Random(f"{self._seed} {purpose}")  # noqa: S311 - a radio model, nothing to keep secret
