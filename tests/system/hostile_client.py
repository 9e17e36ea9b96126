"""A collector that was taken over: says, with its own rights, what nobody should believe; password on stdin."""

import asyncio
import sys
from pathlib import Path

from crampwatch.bus.address import BrokerAddress
from crampwatch.bus.client import MAX_PAYLOAD_BYTES, Bus
from crampwatch.protocol import messages
from crampwatch.protocol.kinds import Origin

SENSOR = "crampwatch/v1/CW-EVIL"


def payloads() -> dict[str, list[bytes]]:
    """Return what is said on each topic."""
    other = messages.Temperature(sensor="CW-LEFT", t_ns=1, origin=Origin.LIVE, celsius=99.0)
    nonsense = [
        b"",
        b"\x00\xff\xfe",
        b"[" * 100_000,
        b'{"sensor": 1, "t_ns": "now"}',
        b'{"sensor": "CW-EVIL", "t_ns": 1e999, "origin": "live"}',
        messages.encode(other),
        b"A" * MAX_PAYLOAD_BYTES,
    ]
    return {f"{SENSOR}/{leaf}": nonsense for leaf in ("temperature", "info", "samples", "battery", "status")}


async def main() -> None:
    """Say all of it, at the quality of service that has to be acknowledged."""
    address = BrokerAddress(
        "localhost", int(sys.argv[1]), "collector", sys.stdin.read(), tls=True, ca_file=Path(sys.argv[2])
    )
    async with Bus(address, client_id="taken-over") as bus:
        for topic, said in payloads().items():
            for payload in said:
                await bus.publish(topic, payload)


if __name__ == "__main__":
    asyncio.run(main())
