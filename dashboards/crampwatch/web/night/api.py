"""The HTTP side of nights: list, one night, a stretch of its signals, an episode, and the wearer's notes on it."""

import asyncio
import base64
import gzip
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Annotated, Final

import msgspec
import numpy as np
from crampwatch.protocol.errors import CrampwatchError
from crampwatch.protocol.messages import Episode, JournalEntry
from crampwatch.store.model.series import Series
from crampwatch.web.http.openapi import Operation, RefusedError, answer, read_body, read_query
from crampwatch.web.live.ring import Floats
from crampwatch.web.night.model.labels import collect_labels, journal_entries
from crampwatch.web.night.model.naming import NIGHT_PATTERN
from crampwatch.web.night.model.schema import (
    EpisodeDetail,
    Label,
    LabelChange,
    Night,
    NightRow,
    Packed,
    Signal,
    SpectrumImage,
    pack_values,
)
from crampwatch.web.night.model.signal import BootSignal
from crampwatch.web.night.model.spectrum import compute_spectrum
from crampwatch.web.night.model.viewport import Grid, ReadSamples, Span, draw
from crampwatch.web.night.repository import NightRepository
from msgspec import Meta, Struct
from numpy.typing import NDArray
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

__all__ = ["LiveVerdicts", "NightApi", "Publish"]

_MOST_COLUMNS: Final = 4000
_LONGEST_NS: Final = 8 * 86_400_000_000_000
_SPECTRUM_S: Final = 600.0
_STEP_NS: Final = 100_000_000
_PUBLISH_S: Final = 4.0
_WORTH_PACKING_OCTETS: Final = 2048
_SENSOR: Final = r"[^/]{1,120}"
Publish = Callable[[Sequence[JournalEntry]], Awaitable[None]]
"""Hands entries to the broker; returns when it has them for good."""
LiveVerdicts = Callable[[str], dict[str, Episode]]
"""Returns what was said live of a session's episodes, by id; blocks."""
_Time = Annotated[int, Meta(ge=0, lt=1 << 62)]


class SignalQuery(Struct, frozen=True, kw_only=True):
    """Which stretch, and how many columns a screen has for it."""

    sensor: Annotated[str, Meta(min_length=1, max_length=120)]
    from_ns: _Time
    to_ns: _Time
    columns: Annotated[int, Meta(ge=1, le=_MOST_COLUMNS)] = 1000


class SpectrumQuery(Struct, frozen=True, kw_only=True):
    """Which stretch of which channel."""

    sensor: Annotated[str, Meta(min_length=1, max_length=120)]
    from_ns: _Time
    to_ns: _Time
    channel: Annotated[int, Meta(ge=0, le=63)] = 0


class NightApi:
    """Answers for nights.

    Args:
        book: What there is.
        publish: Keeps what the wearer notes.
        live_verdicts: What was said live, before the final verdict.
    """

    def __init__(self, book: NightRepository, publish: Publish, live_verdicts: LiveVerdicts) -> None:
        self._book = book
        self._publish = publish
        self._live_verdicts = live_verdicts
        self._saving = asyncio.Lock()

    def operations(self) -> list[Operation]:
        """Return what is answered."""
        night, episode = (("night", NIGHT_PATTERN),), (("night", NIGHT_PATTERN), ("episode", _SENSOR))
        root = "/api/v1/nights"
        one = f"{root}/{{night}}/episodes/{{episode}}"
        return [
            Operation("GET", root, self.nights, "All nights, the newest first", result=list[NightRow], refusals=()),
            Operation("GET", f"{root}/{{night}}", self.night, "One night", night, result=Night),
            Operation(
                "GET", f"{root}/{{night}}/signal", self.signal, "A stretch of it", night, SignalQuery, result=Signal
            ),
            Operation(
                "GET",
                f"{root}/{{night}}/spectrum",
                self.spectrum,
                "A channel's spectrum over time, of ten minutes at most",
                night,
                SpectrumQuery,
                result=SpectrumImage,
            ),
            Operation("GET", one, self.episode, "Everything about an episode", episode, result=EpisodeDetail),
            Operation(
                "PATCH",
                f"{one}/label",
                self.label,
                "Note what the wearer says of an episode; kept when this is answered",
                episode,
                body=LabelChange,
                result=Label,
                refusals=(400, 404, 503),
            ),
        ]

    async def nights(self, request: Request) -> Response:
        """All nights."""
        return await _packed(request, await run_in_threadpool(self._book.nights))

    async def night(self, request: Request) -> Response:
        """One night."""
        night = await run_in_threadpool(self._book.night, request.path_params["night"])
        if night is None:
            raise RefusedError(404, "There is no such night.", "no_night")
        return await _packed(request, night)

    async def signal(self, request: Request) -> Response:
        """A stretch of a sensor's signals, for a screen."""
        query: SignalQuery = read_query(request, SignalQuery)
        span = _span(query.from_ns, query.to_ns, query.columns)
        signal = await run_in_threadpool(self._signal, request.path_params["night"], query.sensor, span)
        return await _packed(request, signal)

    async def spectrum(self, request: Request) -> Response:
        """A channel's spectrum over time."""
        query: SpectrumQuery = read_query(request, SpectrumQuery)
        span = _span(query.from_ns, query.to_ns, 1)
        picture = await run_in_threadpool(
            self._picture, request.path_params["night"], query.sensor, query.channel, span
        )
        return await _packed(request, picture)

    async def episode(self, request: Request) -> Response:
        """Everything about an episode."""
        return answer(await run_in_threadpool(self._detail, *_names(request)))

    async def label(self, request: Request) -> Response:
        """Note what the wearer says of an episode."""
        change: LabelChange = await read_body(request, LabelChange)
        found = await run_in_threadpool(self._book.episode, *_names(request))
        if found is None:
            raise RefusedError(404, "There is no such episode.", "no_episode")
        entries = journal_entries(found[0], change, t_ns=time.time_ns())
        async with self._saving:
            await self._keep(entries)
        kept = await run_in_threadpool(self._book.episode, *_names(request))
        return answer(kept[1] if kept else collect_labels(entries).get(found[0].id, Label()))

    async def _keep(self, entries: Sequence[JournalEntry]) -> None:
        try:
            async with asyncio.timeout(_PUBLISH_S):
                await self._publish(entries)
        except (TimeoutError, CrampwatchError) as error:
            told = "The broker does not answer: this was not kept. Try again in a moment."
            raise RefusedError(503, told, "not_kept") from error
        self._book.note(entries)

    def _signal(self, night: str, sensor: str, span: Span) -> Signal:
        signals = self._book.signals(night, sensor)
        grid = draw([signal for _, signal in signals], span, self._reader(signals))
        envelope, step_ns = _envelope(
            self._book.features(sensor, from_ns=span.from_ns, to_ns=span.to_ns, columns=span.columns), span
        )
        return Signal(
            wave=_pack_grid(grid),
            envelope=pack_values(envelope, from_ns=span.from_ns, step_ns=step_ns),
            is_samples=grid.is_samples,
        )

    def _picture(self, night: str, sensor: str, channel: int, span: Span) -> SpectrumImage:
        if (span.to_ns - span.from_ns) / 1e9 > _SPECTRUM_S:
            raise RefusedError(400, f"A spectrum is drawn of {_SPECTRUM_S:g} s at most.")
        signals = self._book.signals(night, sensor)
        values, rate_hz, begin_ns = self._samples(signals, span, channel)
        spectrum = compute_spectrum(values, rate_hz)
        return SpectrumImage(
            from_ns=begin_ns + round(spectrum.lead_s * 1e9),
            step_s=spectrum.step_s,
            columns=spectrum.cells.shape[0],
            rows=spectrum.cells.shape[1],
            top_hz=spectrum.top_hz,
            strongest_db=spectrum.strongest_db,
            range_db=spectrum.range_db,
            data=base64.b64encode(spectrum.cells.tobytes()).decode(),
        )

    def _samples(
        self, signals: Sequence[tuple[Path, BootSignal]], span: Span, channel: int
    ) -> tuple[NDArray[np.float64], float, int]:
        """Return samples of one channel, their rate and when they begin."""
        read = self._reader(signals)
        for _, signal in signals:
            if signal.knots is None or channel >= signal.channels:
                continue
            covered = signal.covered()
            first = max(signal.knots.index_at(span.from_ns), int(covered[0, 0]))
            end = min(signal.knots.index_at(span.to_ns), int(covered[-1, 1]))
            if end > first:
                begin_ns = int(signal.knots.utc_of(first))
                return read(signal, first, end)[:, channel], signal.rate_hz, begin_ns
        raise RefusedError(404, "Nothing was recorded then.", "nothing_recorded")

    def _detail(self, night: str, name: str) -> EpisodeDetail:
        found = self._book.episode(night, name)
        if found is None:
            raise RefusedError(404, "There is no such episode.", "no_episode")
        episode, label = found
        end_ns = max(episode.offset_ns or episode.t_ns, episode.onset_ns + _STEP_NS)
        series = self._book.features(episode.sensor, from_ns=episode.onset_ns, to_ns=end_ns, columns=_MOST_COLUMNS)
        lead = episode.channels[0] if episode.channels else 0
        live = self._live_verdicts(episode.session).get(episode.id)
        return EpisodeDetail(
            episode=episode,
            live=live,
            label=label,
            envelope_mean=_mean(series, "envelope", lead),
            floor=_mean(series, "floor", lead),
            threshold=_mean(series, "threshold", lead),
            median_hz=_mean(series, "median_hz", lead),
        )

    def _reader(self, signals: Sequence[tuple[Path, BootSignal]]) -> ReadSamples:
        paths = {id(signal): path for path, signal in signals}

        def read(signal: BootSignal, first: int, end: int) -> NDArray[np.float64]:
            return self._book.recordings.reader(paths[id(signal)])(signal, first, end)

        return read


def _span(from_ns: int, to_ns: int, columns: int) -> Span:
    if not 0 < to_ns - from_ns <= _LONGEST_NS:
        raise RefusedError(400, "A stretch ends after it begins, and lasts 8 days at most.")
    return Span(from_ns, to_ns, columns)


def _names(request: Request) -> tuple[str, str]:
    return request.path_params["night"], request.path_params["episode"]


def _pack_grid(grid: Grid) -> Packed:
    return pack_values(grid.values, from_ns=grid.from_ns, step_ns=grid.step_ns)


def _envelope(series: Series | None, span: Span) -> tuple[Floats, float]:
    """Return envelope, floor and threshold on equal steps, each value held until the next."""
    if series is None:
        return np.full((1, 1, 3), np.nan, np.float32), float(span.to_ns - span.from_ns)
    own_ns = float(np.median(np.diff(series.t_ns))) if len(series) > 1 else float(_STEP_NS)
    steps = max(1, min(span.columns, round((span.to_ns - span.from_ns) / own_ns)))
    step_ns = (span.to_ns - span.from_ns) / steps
    middles = span.from_ns + (np.arange(steps) + 0.5) * step_ns
    places = np.searchsorted(series.t_ns, middles, side="right") - 1
    is_known = (places >= 0) & (middles - series.t_ns[np.maximum(places, 0)] < 1.5 * max(own_ns, step_ns))
    table = np.stack([series.values[name] for name in ("envelope", "floor", "threshold")], axis=-1)
    values = np.where(is_known[:, None, None], table[np.maximum(places, 0)], np.nan)
    return values.astype(np.float32), step_ns


def _mean(series: Series | None, name: str, channel: int) -> float | None:
    if series is None or channel >= series.values[name].shape[1]:
        return None
    known = series.values[name][:, channel]
    known = known[np.isfinite(known)]
    return float(known.mean()) if len(known) else None


async def _packed(request: Request, value: object) -> Response:
    """Return a value as JSON, compressed where that is asked for and worth it."""
    content = await run_in_threadpool(msgspec.json.encode, value)
    headers = {"Vary": "Accept-Encoding"}
    if len(content) > _WORTH_PACKING_OCTETS and "gzip" in request.headers.get("accept-encoding", ""):
        content = await run_in_threadpool(gzip.compress, content, 1)
        headers["Content-Encoding"] = "gzip"
    return Response(content, media_type="application/json", headers=headers)
