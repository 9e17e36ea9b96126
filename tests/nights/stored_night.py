"""A night on its way into InfluxDB: the broker, the store service as a process, and the points it writes."""

import asyncio
import json
import os
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, closing
from pathlib import Path

from crampwatch.bus.client import Bus
from crampwatch.protocol.messages import ServiceStatus, decode
from crampwatch.protocol.topics import service_topic
from crampwatch.store.engines import open_store
from lanes.brokers import Broker, broker_of
from lanes.influx_server import TOKEN, InfluxServer
from nights.simulated_night import LENGTH_S, Night, Publication

Points = dict[str, list[str]]
_PROGRAM = """
import asyncio, sys, pathlib
from crampwatch.bus.address import BrokerAddress
from crampwatch.store.ingest.service import StoreOptions, run
broker, url, folder, token = sys.argv[1:]
options = StoreOptions(BrokerAddress.parse(broker), url, pathlib.Path(folder), token=token)
asyncio.run(run(options, stop=asyncio.Event()))
"""
_DENSE = {
    "emg": 'SELECT count("ch0"), sum("ch0"), sum("ch1"), sum("index") FROM "emg" '
    'WHERE time > 0 GROUP BY time(1s), "sensor", "stream" fill(none)'
}
"""Sums of each second of samples: half a million rows of JSON would show no more."""


def timer(limit_s: float) -> Callable[[], bool]:
    """Return a function that returns whether this much time has passed."""
    deadline_s = time.monotonic() + limit_s
    return lambda: time.monotonic() > deadline_s


@asynccontextmanager
async def running_broker(folder: Path) -> AsyncIterator[Broker]:
    """Run a broker for as long as the context lasts."""
    broker = broker_of("nats", folder)
    await broker.start()
    try:
        yield broker
    finally:
        await broker.stop()


async def start_store(broker: Broker, server: InfluxServer, folder: Path) -> asyncio.subprocess.Process:
    """Start the store service as a process that can be killed."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", _PROGRAM, broker.address.url, server.url, str(folder), TOKEN, env=environment
    )


async def wait_for_backlog(bus: Bus, *, more_than: int = -1) -> int:
    """Wait until the store service reports a backlog of more than this many messages; return it."""
    await bus.subscribe(str(service_topic("store")))
    async for message in bus.messages():
        message.ack()
        backlog = decode(message.payload, ServiceStatus).backlog
        if backlog is not None and backlog > more_than:
            return backlog
    raise AssertionError


async def publish(bus: Bus, publications: Iterable[Publication]) -> None:
    """Publish, and wait until the broker has confirmed everything."""
    async with asyncio.TaskGroup() as group:
        for one in publications:
            group.create_task(bus.publish(one.topic, one.payload))


async def wait_until_stored(server: InfluxServer, night: Night, folder: Path) -> None:
    """Wait until the night is complete in the database, and the spool is empty."""
    while not await asyncio.to_thread(_is_stored, server, night, folder):  # noqa: ASYNC110 - it is in other processes
        await asyncio.sleep(0.5)


def _is_stored(server: InfluxServer, night: Night, folder: Path) -> bool:
    store = open_store(server.url, token=TOKEN)
    nights = store.nights(sensor="CW-LEFT")
    store.close()
    with closing(sqlite3.connect(folder / "store-spool.sqlite")) as spool:
        waiting = spool.execute("SELECT count(*) FROM waiting").fetchone()[0]
    if waiting or not nights or nights[0].end_ns != night.end_ns:
        return False
    return nights[0].monitored_s > LENGTH_S - 1


async def wait_for_points(server: InfluxServer, condition: Callable[[Points], bool]) -> Points:
    """Return all points as soon as they meet a condition."""
    while not condition(points := await asyncio.to_thread(read_points, server)):  # noqa: ASYNC110 - as above
        await asyncio.sleep(0.5)
    return points


def read_points(server: InfluxServer) -> Points:
    """Return all points by measurement, without the store service's own status."""
    (names,) = json.loads(server.query("SHOW MEASUREMENTS"))["results"]
    measurements = [row[0] for row in names["series"][0]["values"]]
    return {name: _read_measurement(server, name) for name in measurements}


def _read_measurement(server: InfluxServer, measurement: str) -> list[str]:
    query = _DENSE.get(measurement, f'SELECT * FROM "{measurement}" WHERE "sensor" != \'_store\'')
    (result,) = json.loads(server.query(query, epoch="ns"))["results"]
    return sorted(
        json.dumps([series.get("tags"), dict(zip(series["columns"], row, strict=True))], sort_keys=True)
        for series in result.get("series", ())
        for row in series["values"]
    )
