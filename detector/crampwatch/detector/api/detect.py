"""The front door for finished recordings: arrays, recordings read from files, and Raw objects of MNE-Python."""

import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Protocol, runtime_checkable

import numpy as np
from crampwatch.detector.api.mne_raw import RawLike, emg_picks, read_uv
from crampwatch.detector.api.unit import InputUnit, ScaleCheck, describe_array, uv_factor
from crampwatch.detector.model.episode import Episode
from crampwatch.detector.pipeline.batch import BLOCK_S, analyse_recording
from crampwatch.protocol.samples import as_matrix, checked_labels, checked_rate, without_absurd
from crampwatch.protocol.stream import StreamDescription
from numpy.typing import ArrayLike, NDArray

__all__ = ["RecordingLike", "detect"]

Array = NDArray[np.float64]


@runtime_checkable
class RecordingLike(Protocol):
    """What is needed of a `crampwatch.recordings.Recording`, which this package does not import: it starts faster."""

    @property
    def stream(self) -> StreamDescription:
        """Rate, scale and channels."""
        ...

    @property
    def temperature(self) -> tuple[Array, float] | None:
        """Skin temperature in degC and its rate in Hz."""
        ...

    def chunks(self, chunk_samples: int) -> Iterator[Array]:
        """Yield all samples in order."""
        ...


def detect(
    emg: ArrayLike | RecordingLike | RawLike,
    *,
    rate_hz: float | None = None,
    unit: InputUnit | None = None,
    labels: Sequence[str] | None = None,
) -> list[Episode]:
    """Find likely cramps, and everything else that a muscle did, in a finished recording.

    >>> rng = np.random.default_rng(1)
    >>> detect(rng.normal(0.0, 2.0, 10_000), rate_hz=1000)
    []

    Args:
        emg: One of

            - an array of samples, (samples,) or (samples, channels), NaN where samples are missing; channels of one
              foot belong in one call;
            - a recording, as `crampwatch.recordings.read` returns it; without a scale it is analysed relative to rest;
            - an `mne.io.Raw`: its channels of type `emg`, in volts; see `Episode.labels` for which those are. Segments
              annotated as bad are missing.
        rate_hz: Samples per second of an array, 10 to 100,000; the others state their own.
        unit: Of an array: `uV` (the default), `mV`, `V`, or `relative` for an unknown scale.
        labels: Names of the channels of an array, for printing.

    Returns:
        The final revision of each episode, by onset. Times count from the first sample.

    Raises:
        TypeError: The samples are not real numbers, or `rate_hz` is missing or given where it must not be.
        ValueError: Shape, rate or unit cannot be; the recording is empty or damaged.
    """
    if isinstance(emg, RecordingLike | RawLike):
        _refuse_options(emg, rate_hz=rate_hz, unit=unit, labels=labels)
    if isinstance(emg, RecordingLike):
        pieces = emg.chunks(max(1, round(BLOCK_S * emg.stream.rate_hz)))
        return analyse_recording(emg.stream, _require_samples(pieces), temperature=emg.temperature)
    if isinstance(emg, RawLike):
        stream, pieces = _open_raw(emg, stacklevel=3)
        unit = "V"
    else:
        unit = "uV" if unit is None else unit
        stream, pieces = _open_array(emg, rate_hz, unit, labels or ())
    check = ScaleCheck(stream.rate_hz, unit)
    episodes = analyse_recording(stream, _feed_check(_require_samples(pieces), check))
    check.warn(stacklevel=2, at_end=True)
    return episodes


def _open_array(
    emg: ArrayLike, rate_hz: float | None, unit: InputUnit, labels: Sequence[str]
) -> tuple[StreamDescription, Iterator[Array]]:
    if isinstance(emg, str | os.PathLike):
        raise TypeError(f"got a path, {os.fspath(emg)!r}: read it first, detect(crampwatch.recordings.read(path))")
    if rate_hz is None:
        raise TypeError("rate_hz is missing: an array does not state its samples per second")
    rows, rate, factor = as_matrix(emg), checked_rate(rate_hz), uv_factor(unit)
    channels, step = rows.shape[1], max(1, round(BLOCK_S * rate))
    stream = describe_array(rate_hz=rate, channels=channels, unit=unit, labels=checked_labels(labels, channels))
    return stream, (without_absurd(rows[at : at + step], factor=factor) for at in range(0, len(rows), step))


def _open_raw(raw: RawLike, *, stacklevel: int) -> tuple[StreamDescription, Iterator[Array]]:
    picks = emg_picks(raw, stacklevel=stacklevel + 1)
    names = tuple(raw.ch_names[place] for place in picks)
    rate_hz = checked_rate(raw.info["sfreq"])
    return describe_array(rate_hz=rate_hz, channels=len(picks), unit="V", labels=names), read_uv(raw, picks)


def _feed_check(pieces: Iterator[Array], check: ScaleCheck) -> Iterator[Array]:
    for piece in pieces:
        check.push(piece)
        yield piece


def _require_samples(pieces: Iterable[Array]) -> Iterator[Array]:
    iterator = iter(pieces)
    first = next(iterator, None)
    if first is None:
        raise ValueError("there are no samples")
    return chain([first], iterator)


def _refuse_options(source: object, **options: object) -> None:
    given = [name for name, value in options.items() if value is not None]
    if given:
        raise TypeError(f"{', '.join(given)} can be given for an array only: a {type(source).__name__} states its own")
