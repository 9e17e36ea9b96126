"""How long tests wait for something that is certain to happen: for an event, never for a guessed time."""

import asyncio
import os
from typing import Final

from crampwatch.bus.address import BrokerAddress
from crampwatch.bus.client import Bus
from crampwatch.protocol.messages import ServiceStatus, decode
from crampwatch.protocol.topics import service_topic

PATIENCE_S: Final = 60.0
"""Only a failure takes so long. Machines that test are small and busy."""
_SLICE_S: Final = 0.02


async def until_online(address: BrokerAddress, service: str) -> None:
    """Return when a service hears what is said: what is published before it has subscribed is lost to it.

    Args:
        address: The broker, with a login that may hear the status of services.
        service: As in its topic, such as ``detector``.
    """
    topic = str(service_topic(service))
    async with asyncio.timeout(PATIENCE_S), Bus(address, client_id=f"waits-{service}", subscriptions={topic: 1}) as bus:
        while not decode((await bus.receive()).payload, ServiceStatus).online:
            continue


async def ends_soon(running: "asyncio.Task[None]", *, within_s: float = 2.0) -> None:
    """Wait for a stopped service, and check that it ends in time.

    Time is counted in slices of the event loop: processor time that other programs use in between does not count.
    """
    async with asyncio.timeout(PATIENCE_S):
        for _ in range(round(within_s / _SLICE_S)):
            if running.done():
                break
            await asyncio.wait({running}, timeout=_SLICE_S)
        assert running.done(), f"the service has not ended within {within_s:g} s"
        await running


def on_this_machine(promise_s: float) -> float:
    """Return how long something promised for a machine with a core to spare may take on this one, now.

    For what other processes do, whose slices cannot be counted.
    """
    return promise_s * max(1.0, 2 * os.getloadavg()[0] / (os.cpu_count() or 1))
