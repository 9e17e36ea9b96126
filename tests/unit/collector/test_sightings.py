"""Links wait for advertisements; an old one does not count."""

import asyncio
import time

from bleak.backends.device import BLEDevice
from crampwatch.collector.ble.adapter import FoundSensor
from crampwatch.collector.ble.link import Sightings


def found(address: str, name: str = "CW-1") -> FoundSensor:
    return FoundSensor(name, address, -60, BLEDevice(address, name, None))


async def test_an_advertisement_older_than_the_last_attempt_does_not_count() -> None:
    sightings = Sightings()
    sightings.add(found("C0:01"))
    since_s = time.monotonic()
    waiting = asyncio.create_task(sightings.wait_for("C0:01", since_s=since_s))
    sightings.add(found("C0:02"))
    await asyncio.sleep(0.01)
    assert not waiting.done()
    sightings.add(found("C0:01", "CW-2"))
    assert (await waiting).name == "CW-2"


async def test_an_advertisement_that_is_there_already_counts_from_its_own_moment() -> None:
    sightings = Sightings()
    sightings.add(found("C0:01"))
    seen_s = sightings._latest["C0:01"][0]
    assert (await sightings.wait_for("C0:01", since_s=seen_s)).address == "C0:01"
    assert [sensor.address for sensor in sightings.all_found()] == ["C0:01"]


async def test_any_advertisement_ends_a_wait_for_any() -> None:
    sightings = Sightings()
    waiting = asyncio.create_task(sightings.wait_for_any())
    await asyncio.sleep(0)
    sightings.add(found("C0:01"))
    await waiting
