"""HTTP operations of nights: list, one night, its signals, spectra and episodes, and the wearer's answers."""

import asyncio
import base64
import gzip
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
from crampwatch.protocol.errors import CrampwatchError
from crampwatch.protocol.messages import Episode, JournalEntry
from crampwatch.web.http.openapi import Operation, RefusedError, json_response, read_body, read_query
from crampwatch.web.night.model.features import FEATURE_STEP_NS, mean_value, resample_features
from crampwatch.web.night.model.labels import collect_labels, journal_entries
from crampwatch.web.night.model.naming import NIGHT_PATTERN
from crampwatch.web.night.model.schema import (
    MAX_COLUMNS,
    EpisodeDetail,
    Label,
    LabelChange,
    Night,
    NightRow,
    Packed,
    Signal,
    SignalQuery,
    SpectrumImage,
    SpectrumQuery,
    pack_values,
)
from crampwatch.web.night.model.signal import BootSignal
from crampwatch.web.night.model.spectrum import compute_spectrum
from crampwatch.web.night.model.viewport import Grid, ReadSamples, Span, render, samples_in
from crampwatch.web.night.repository import NightRepository
from numpy.typing import NDArray
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

__all__ = ["LiveEpisodes", "NightApi", "Publish"]

_MAX_SPAN_NS: Final = 8 * 86_400_000_000_000
"""Longer than any night; bounds the work of one request."""
_MAX_SPECTRUM_S: Final = 600.0
"""Longer than any cramp; the samples are read from the recording, some megabytes a channel at 1 kHz."""
_PUBLISH_TIMEOUT_S: Final = 4.0
"""The broker confirms within milliseconds if it is there; a person should not have to wait longer for "not saved"."""
_MIN_GZIP_BYTES: Final = 2048
"""A smaller answer fits into one or two packets as it is."""
_NIGHT: Final = (("night", NIGHT_PATTERN),)
_EPISODE: Final = (*_NIGHT, ("episode", r"[^/]{1,120}"))
Publish = Callable[[Sequence[JournalEntry]], Awaitable[None]]
"""Publishes journal entries; returns when the broker has confirmed them."""
LiveEpisodes = Callable[[str], dict[str, Episode]]
"""Returns the live results of a session by episode id; blocks."""


class NightApi:
    """Handlers for nights.

    Args:
        repository: Finds the nights.
        publish: Publishes the wearer's answers.
        live_episodes: Returns live results, for comparison with the final ones.
    """

    def __init__(self, repository: NightRepository, publish: Publish, live_episodes: LiveEpisodes) -> None:
        self._repository = repository
        self._publish = publish
        self._live_episodes = live_episodes
        self._publishing = asyncio.Lock()

    def operations(self) -> list[Operation]:
        """Return the operations of nights."""
        root = "/api/v1/nights"
        night = f"{root}/{{night}}"
        episode = f"{night}/episodes/{{episode}}"
        return [
            Operation("GET", root, self.list_nights, "All nights, newest first", result=list[NightRow], refusals=()),
            Operation("GET", night, self.get_night, "One night", _NIGHT, result=Night),
            Operation(
                "GET",
                f"{night}/signal",
                self.get_signal,
                "One sensor's signal over a span of time",
                _NIGHT,
                SignalQuery,
                result=Signal,
            ),
            Operation(
                "GET",
                f"{night}/spectrum",
                self.get_spectrum,
                "One channel's spectrum over time, up to ten minutes",
                _NIGHT,
                SpectrumQuery,
                result=SpectrumImage,
            ),
            Operation("GET", episode, self.get_episode, "Everything about an episode", _EPISODE, result=EpisodeDetail),
            Operation(
                "PATCH",
                f"{episode}/label",
                self.save_label,
                "Record the wearer's answers about an episode; saved when this returns",
                _EPISODE,
                body=LabelChange,
                result=Label,
                refusals=(400, 404, 503),
            ),
        ]

    async def list_nights(self, request: Request) -> Response:
        """Return all nights."""
        return await _compressed_json(request, await run_in_threadpool(self._repository.nights))

    async def get_night(self, request: Request) -> Response:
        """Return one night."""
        night = await run_in_threadpool(self._repository.night, request.path_params["night"])
        if night is None:
            raise RefusedError(404, "There is no such night.", "no_night")
        return await _compressed_json(request, night)

    async def get_signal(self, request: Request) -> Response:
        """Return a sensor's signal over a span of time, for a screen."""
        query: SignalQuery = read_query(request, SignalQuery)
        span = _checked_span(query.from_ns, query.to_ns, query.columns)
        signal = await run_in_threadpool(self._render_signal, request.path_params["night"], query.sensor, span)
        return await _compressed_json(request, signal)

    async def get_spectrum(self, request: Request) -> Response:
        """Return a channel's spectrum over time."""
        query: SpectrumQuery = read_query(request, SpectrumQuery)
        span = _checked_span(query.from_ns, query.to_ns, 1)
        image = await run_in_threadpool(
            self._render_spectrum, request.path_params["night"], query.sensor, query.channel, span
        )
        return await _compressed_json(request, image)

    async def get_episode(self, request: Request) -> Response:
        """Return everything about an episode."""
        return json_response(await run_in_threadpool(self._episode_detail, *_episode_path(request)))

    async def save_label(self, request: Request) -> Response:
        """Record the wearer's answers about an episode."""
        change: LabelChange = await read_body(request, LabelChange)
        found = await run_in_threadpool(self._repository.episode, *_episode_path(request))
        if found is None:
            raise RefusedError(404, "There is no such episode.", "no_episode")
        entries = journal_entries(found[0], change, t_ns=time.time_ns())
        async with self._publishing:
            await self._publish_entries(entries)
        updated = await run_in_threadpool(self._repository.episode, *_episode_path(request))
        return json_response(updated[1] if updated else collect_labels(entries).get(found[0].id, Label()))

    async def _publish_entries(self, entries: Sequence[JournalEntry]) -> None:
        try:
            async with asyncio.timeout(_PUBLISH_TIMEOUT_S):
                await self._publish(entries)
        except (TimeoutError, CrampwatchError) as error:
            message = "The broker does not answer, so this was not saved. Try again in a moment."
            raise RefusedError(503, message, "not_kept") from error
        self._repository.add_entries(entries)

    def _render_signal(self, night: str, sensor: str, span: Span) -> Signal:
        signals = self._repository.signals(night, sensor)
        grid = render([signal for _, signal in signals], span, self._sample_reader(signals))
        series = self._repository.features(sensor, from_ns=span.from_ns, to_ns=span.to_ns, columns=span.columns)
        envelope, step_ns = resample_features(series, span)
        return Signal(
            wave=_pack_grid(grid),
            envelope=pack_values(envelope, from_ns=span.from_ns, step_ns=step_ns),
            is_samples=grid.is_samples,
        )

    def _render_spectrum(self, night: str, sensor: str, channel: int, span: Span) -> SpectrumImage:
        if (span.to_ns - span.from_ns) / 1e9 > _MAX_SPECTRUM_S:
            raise RefusedError(400, f"A spectrum may span up to {_MAX_SPECTRUM_S:g} s.")
        signals = self._repository.signals(night, sensor)
        values, rate_hz, start_ns = self._read_channel(signals, span, channel)
        spectrum = compute_spectrum(values, rate_hz)
        return SpectrumImage(
            from_ns=start_ns + round(spectrum.lead_s * 1e9),
            step_s=spectrum.step_s,
            columns=spectrum.cells.shape[0],
            rows=spectrum.cells.shape[1],
            top_hz=spectrum.top_hz,
            strongest_db=spectrum.strongest_db,
            range_db=spectrum.range_db,
            data=base64.b64encode(spectrum.cells.tobytes()).decode(),
        )

    def _read_channel(
        self, signals: Sequence[tuple[Path, BootSignal]], span: Span, channel: int
    ) -> tuple[NDArray[np.float64], float, int]:
        """Return one channel's samples in a span, their rate, and the time of the first."""
        read = self._sample_reader(signals)
        for _, signal in signals:
            if signal.knots is None or channel >= signal.channels:
                continue
            first, end = samples_in(signal, span.from_ns, span.to_ns)
            if end > first:
                start_ns = int(signal.knots.utc_of(first))
                return read(signal, first, end)[:, channel], signal.rate_hz, start_ns
        raise RefusedError(404, "Nothing was recorded at that time.", "nothing_recorded")

    def _episode_detail(self, night: str, name: str) -> EpisodeDetail:
        found = self._repository.episode(night, name)
        if found is None:
            raise RefusedError(404, "There is no such episode.", "no_episode")
        episode, label = found
        end_ns = max(episode.offset_ns or episode.t_ns, episode.onset_ns + FEATURE_STEP_NS)
        series = self._repository.features(episode.sensor, from_ns=episode.onset_ns, to_ns=end_ns, columns=MAX_COLUMNS)
        lead = episode.channels[0] if episode.channels else 0
        return EpisodeDetail(
            episode=episode,
            live=self._live_episodes(episode.session).get(episode.id),
            label=label,
            envelope_mean=mean_value(series, "envelope", lead),
            floor=mean_value(series, "floor", lead),
            threshold=mean_value(series, "threshold", lead),
            median_hz=mean_value(series, "median_hz", lead),
        )

    def _sample_reader(self, signals: Sequence[tuple[Path, BootSignal]]) -> ReadSamples:
        paths = {id(signal): path for path, signal in signals}

        def read(signal: BootSignal, first: int, end: int) -> NDArray[np.float64]:
            return self._repository.recordings.sample_reader(paths[id(signal)])(signal, first, end)

        return read


def _checked_span(from_ns: int, to_ns: int, columns: int) -> Span:
    if not 0 < to_ns - from_ns <= _MAX_SPAN_NS:
        raise RefusedError(400, "A span must end after it starts, and last no more than 8 days.")
    return Span(from_ns, to_ns, columns)


def _episode_path(request: Request) -> tuple[str, str]:
    return request.path_params["night"], request.path_params["episode"]


def _pack_grid(grid: Grid) -> Packed:
    return pack_values(grid.values, from_ns=grid.from_ns, step_ns=grid.step_ns)


async def _compressed_json(request: Request, value: object) -> Response:
    """Return a value as JSON, compressed if the browser accepts that and it saves something."""
    content = await run_in_threadpool(msgspec.json.encode, value)
    headers = {"Vary": "Accept-Encoding"}
    if len(content) > _MIN_GZIP_BYTES and "gzip" in request.headers.get("accept-encoding", ""):
        content = await run_in_threadpool(gzip.compress, content, 1)
        headers["Content-Encoding"] = "gzip"
    return Response(content, media_type="application/json", headers=headers)
