"""Raw EMG around episodes in InfluxDB: a point a sample, and a spectrum each half second."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import attrgetter
from typing import Final

import numpy as np
from crampwatch.protocol.kinds import Origin
from crampwatch.store.influx.client import InfluxClient, Row, quoted, within
from crampwatch.store.influx.line_protocol import key as series_key
from crampwatch.store.influx.line_protocol import line
from crampwatch.store.model.raw_excerpt import RawChunk, chunk_samples
from crampwatch.store.model.spectrum import WINDOWS, band_rms
from numpy.typing import NDArray

__all__ = ["read_raw", "write_raw"]

_MOVED_NS: Final = 5_000_000_000
"""By how much the clock of a sensor may be judged otherwise in another telling of the same sample."""
_ABOUT_SAMPLES: Final = 50
"""Every so many samples the rate, unit and session are told: in every sample they would cost as much again."""
_stream_of = attrgetter("sensor", "boot_id", "stream")


def write_raw(client: InfluxClient, told: Iterable[RawChunk]) -> None:
    """Keep seconds; samples that are there already, perhaps with a slightly other time, stay as they are."""
    ordered = sorted(told, key=lambda one: (*_stream_of(one), one.chunk))
    for _, group in groupby(ordered, key=_stream_of):
        chunks = list(group)
        begin_ns, end_ns = min(one.t_ns for one in chunks), max(_end_ns(one) for one in chunks)
        known = _known(client, chunks, (begin_ns - _MOVED_NS, end_ns + _MOVED_NS))
        client.send([text for one in chunks for text in _lines(one, known)])


def read_raw(client: InfluxClient, sensor: str, since_ns: int, until_ns: int) -> list[RawChunk]:
    """Return the seconds of a sensor within a span, by time; of those at its borders only what lies within."""
    rows = client.query(
        f"SELECT * FROM emg WHERE sensor = {quoted(sensor)} AND {within(since_ns, until_ns)}"  # noqa: S608 - quoted
    )

    about = {(row["boot"], row["stream"]): row for row in rows if row["rate_hz"] is not None}
    rows = [row | _about(about[row["boot"], row["stream"]]) for row in rows if (row["boot"], row["stream"]) in about]

    def key(row: Row) -> tuple[int, int, int]:
        return row["boot"], int(row["stream"]), row["index"] // chunk_samples(row["rate_hz"])

    rows.sort(key=key)
    found = [_chunk(sensor, number, list(group)) for (_, _, number), group in groupby(rows, key=key)]
    return sorted(found, key=lambda one: (one.t_ns, one.stream))


def _about(row: Row) -> Row:
    return {name: row[name] for name in ("rate_hz", "unit", "session")}


def _known(client: InfluxClient, chunks: list[RawChunk], span_ns: tuple[int, int]) -> dict[int, int]:
    """Return the times of the samples that are there, by index."""
    one, last = chunks[0], chunks[-1]
    indices = f'"index" >= {one.first_index} AND "index" < {last.first_index + chunk_samples(last.rate_hz)}'
    rows = client.query(
        f'SELECT "index" FROM emg WHERE sensor = {quoted(one.sensor)} AND "stream" = \'{one.stream}\' '  # noqa: S608 - quoted
        f'AND "boot" = {one.boot_id} AND {indices} AND {within(*span_ns)}'
    )
    return {row["index"]: row["time"] for row in rows}


def _lines(chunk: RawChunk, known: dict[int, int]) -> Iterator[str]:
    """Yield a point for each new sample, and the spectra of a second that is full for the first time."""
    fresh = [n for n in np.flatnonzero(chunk.known).tolist() if chunk.first_index + n not in known]
    if not fresh:
        return
    begin_ns = _begin_ns(chunk, known)
    step_ns = 1e9 / chunk.rate_hz
    head = series_key("emg", {"origin": chunk.origin.value, "sensor": chunk.sensor, "stream": str(chunk.stream)})
    about = f',rate_hz={chunk.rate_hz!r},unit="{chunk.unit}",session="{chunk.session}"'
    values = chunk.values.astype(np.float64).round(4).tolist()
    for place, n in enumerate(fresh):
        samples = ",".join(f"ch{channel}={value!r}" for channel, value in enumerate(values[n]))
        more = about if place % _ABOUT_SAMPLES == 0 else ""
        index, t_ns = chunk.first_index + n, begin_ns + round(n * step_ns)
        yield f"{head} {samples},boot={chunk.boot_id}i,index={index}i{more} {t_ns}"
    if chunk.known.all():
        yield from _spectrum_lines(chunk, begin_ns)


def _begin_ns(chunk: RawChunk, known: dict[int, int]) -> int:
    """Return when a second began, after the clock by which samples of it are there already."""
    for index in range(chunk.first_index, chunk.first_index + chunk_samples(chunk.rate_hz)):
        if index in known:
            return known[index] - round((index - chunk.first_index) * 1e9 / chunk.rate_hz)
    return chunk.t_ns


def _spectrum_lines(chunk: RawChunk, begin_ns: int) -> Iterator[str]:
    windows: list[NDArray[np.float64]] = np.array_split(chunk.values.astype(np.float64), WINDOWS)
    offset = 0
    for window in windows:
        t_ns = begin_ns + round(offset * 1e9 / chunk.rate_hz)
        offset += len(window)
        for channel in range(chunk.channels):
            tags = {"sensor": chunk.sensor, "origin": chunk.origin.value, "channel": str(channel)}
            yield line("spectrum", tags, band_rms(window[:, channel], chunk.rate_hz), t_ns)


def _chunk(sensor: str, number: int, rows: list[Row]) -> RawChunk:
    row = rows[0]
    rate_hz = float(row["rate_hz"])
    names = sorted(name for name, value in row.items() if name[:2] == "ch" and name[2:].isdigit() and value is not None)
    first = number * chunk_samples(rate_hz)
    values = np.full((chunk_samples(rate_hz), len(names)), np.nan, "<f4")
    for one in rows:
        values[one["index"] - first] = [one[name] for name in names]
    return RawChunk(
        sensor=sensor,
        t_ns=row["time"] - round((row["index"] - first) * 1e9 / rate_hz),
        origin=Origin(row["origin"]),
        session=row["session"],
        boot_id=row["boot"],
        stream=int(row["stream"]),
        chunk=number,
        rate_hz=rate_hz,
        unit=row["unit"],
        channels=len(names),
        packed=values.tobytes(),
    )


def _end_ns(chunk: RawChunk) -> int:
    return chunk.t_ns + round(chunk_samples(chunk.rate_hz) * 1e9 / chunk.rate_hz)
