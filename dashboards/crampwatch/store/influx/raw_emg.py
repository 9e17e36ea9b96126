"""Raw EMG around episodes in InfluxDB: one point for each sample, and a spectrum for each half second.

A sample is identified by boot, stream and index, but InfluxDB identifies a point by its time, and the time of a sample
may be estimated differently when it is published again. So the indices that are stored already are read before a chunk
is written; they stay, and new samples of the same chunk get times that continue theirs.
"""

from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import attrgetter
from typing import Final

import numpy as np
from crampwatch.protocol.kinds import Origin
from crampwatch.store.influx.client import InfluxClient, Row, quote, time_condition
from crampwatch.store.influx.line_protocol import format_point, format_series_key
from crampwatch.store.model.raw_excerpt import RawChunk, samples_per_chunk
from crampwatch.store.model.spectrum import WINDOWS_PER_CHUNK, band_rms
from numpy.typing import NDArray

__all__ = ["read_raw_chunks", "write_raw_chunks"]

_TIME_TOLERANCE_NS: Final = 5_000_000_000
"""How far apart two estimates of the time of one sample may be: far more than the estimate of a sensor's clock
moves."""
_DESCRIBED_EVERY: Final = 50
"""Every so many samples a point also holds rate, unit and session: in each point they would double the size."""
_stream_of = attrgetter("sensor", "boot_id", "stream")


def write_raw_chunks(client: InfluxClient, chunks: Iterable[RawChunk]) -> None:
    """Store chunks; samples stored earlier, perhaps with a slightly different time, are left alone."""
    ordered = sorted(chunks, key=lambda one: (*_stream_of(one), one.chunk))
    for _, group in groupby(ordered, key=_stream_of):
        of_stream = list(group)
        start_ns, end_ns = min(one.t_ns for one in of_stream), max(_end_ns(one) for one in of_stream)
        stored_ns = _read_stored_times(client, of_stream, (start_ns - _TIME_TOLERANCE_NS, end_ns + _TIME_TOLERANCE_NS))
        client.write_points([line for one in of_stream for line in _chunk_lines(one, stored_ns)])


def read_raw_chunks(client: InfluxClient, sensor: str, since_ns: int, until_ns: int) -> list[RawChunk]:
    """Return the chunks of a sensor that overlap a time span, ordered by time; samples outside the span are NaN."""
    rows = client.query(
        f"SELECT * FROM emg WHERE sensor = {quote(sensor)} AND {time_condition(since_ns, until_ns)}"  # noqa: S608 - quoted
    )

    described = {(row["boot"], row["stream"]): row for row in rows if row["rate_hz"] is not None}
    rows = [
        row | _description_of(described[row["boot"], row["stream"]])
        for row in rows
        if (row["boot"], row["stream"]) in described
    ]

    def key(row: Row) -> tuple[int, int, int]:
        return row["boot"], int(row["stream"]), row["index"] // samples_per_chunk(row["rate_hz"])

    rows.sort(key=key)
    chunks = [_assemble_chunk(sensor, number, list(group)) for (_, _, number), group in groupby(rows, key=key)]
    return sorted(chunks, key=lambda one: (one.t_ns, one.stream))


def _description_of(row: Row) -> Row:
    return {name: row[name] for name in ("rate_hz", "unit", "session")}


def _read_stored_times(client: InfluxClient, chunks: list[RawChunk], span_ns: tuple[int, int]) -> dict[int, int]:
    """Return the times of the samples of these chunks (of one stream, ascending) that are stored, by sample index."""
    first, last = chunks[0], chunks[-1]
    indices = f'"index" >= {first.first_index} AND "index" < {last.first_index + samples_per_chunk(last.rate_hz)}'
    rows = client.query(
        f'SELECT "index" FROM emg WHERE sensor = {quote(first.sensor)} AND "stream" = \'{first.stream}\' '  # noqa: S608 - quoted
        f'AND "boot" = {first.boot_id} AND {indices} AND {time_condition(*span_ns)}'
    )
    return {row["index"]: row["time"] for row in rows}


def _chunk_lines(chunk: RawChunk, stored_ns: dict[int, int]) -> Iterator[str]:
    """Yield a point for each sample that is not stored yet, and the spectra of a chunk that is now complete."""
    new = [n for n in np.flatnonzero(chunk.is_present).tolist() if chunk.first_index + n not in stored_ns]
    if not new:
        return
    start_ns = _chunk_start_ns(chunk, stored_ns)
    step_ns = 1e9 / chunk.rate_hz
    head = format_series_key("emg", {"origin": chunk.origin.value, "sensor": chunk.sensor, "stream": str(chunk.stream)})
    description = f',rate_hz={chunk.rate_hz!r},unit="{chunk.unit}",session="{chunk.session}"'
    values = chunk.values.astype(np.float64).round(4).tolist()
    # Formatted here, not by format_point: there are 1,000 points a second, all with the same fields.
    for place, n in enumerate(new):
        samples = ",".join(f"ch{channel}={value!r}" for channel, value in enumerate(values[n]))
        more = description if place % _DESCRIBED_EVERY == 0 else ""
        index, t_ns = chunk.first_index + n, start_ns + round(n * step_ns)
        yield f"{head} {samples},boot={chunk.boot_id}i,index={index}i{more} {t_ns}"
    if chunk.is_present.all():
        yield from _spectrum_lines(chunk, start_ns)


def _chunk_start_ns(chunk: RawChunk, stored_ns: dict[int, int]) -> int:
    """Return the time of a chunk's first sample, by the clock of the samples of it that are stored already."""
    for index in range(chunk.first_index, chunk.first_index + samples_per_chunk(chunk.rate_hz)):
        if index in stored_ns:
            return stored_ns[index] - round((index - chunk.first_index) * 1e9 / chunk.rate_hz)
    return chunk.t_ns


def _spectrum_lines(chunk: RawChunk, start_ns: int) -> Iterator[str]:
    windows: list[NDArray[np.float64]] = np.array_split(chunk.values.astype(np.float64), WINDOWS_PER_CHUNK)
    offset = 0
    for window in windows:
        t_ns = start_ns + round(offset * 1e9 / chunk.rate_hz)
        offset += len(window)
        for channel in range(chunk.channels):
            tags = {"sensor": chunk.sensor, "origin": chunk.origin.value, "channel": str(channel)}
            yield format_point("spectrum", tags, band_rms(window[:, channel], chunk.rate_hz), t_ns)


def _assemble_chunk(sensor: str, number: int, rows: list[Row]) -> RawChunk:
    first_row = rows[0]
    rate_hz = float(first_row["rate_hz"])
    names = sorted(
        name for name, value in first_row.items() if name[:2] == "ch" and name[2:].isdigit() and value is not None
    )
    first_index = number * samples_per_chunk(rate_hz)
    values = np.full((samples_per_chunk(rate_hz), len(names)), np.nan, "<f4")
    for row in rows:
        values[row["index"] - first_index] = [row[name] for name in names]
    return RawChunk(
        sensor=sensor,
        t_ns=first_row["time"] - round((first_row["index"] - first_index) * 1e9 / rate_hz),
        origin=Origin(first_row["origin"]),
        session=first_row["session"],
        boot_id=first_row["boot"],
        stream=int(first_row["stream"]),
        chunk=number,
        rate_hz=rate_hz,
        unit=first_row["unit"],
        channels=len(names),
        packed=values.tobytes(),
    )


def _end_ns(chunk: RawChunk) -> int:
    return chunk.t_ns + round(samples_per_chunk(chunk.rate_hz) * 1e9 / chunk.rate_hz)
