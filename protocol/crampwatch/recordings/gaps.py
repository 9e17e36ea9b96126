"""Stretches without data, found while a recording passes by."""

import numpy as np
from crampwatch.recordings.annotation import Annotation
from crampwatch.recordings.recording import Samples

__all__ = ["GapFinder"]


class GapFinder:
    """Finds stretches in which at least one channel lacks samples.

    >>> gaps = GapFinder(rate_hz=10.0)
    >>> gaps.feed(np.array([[1.0], [np.nan]])), gaps.feed(np.array([[np.nan], [1.0]]))
    ([], [Annotation(onset_s=0.1, duration_s=0.2, text='no data')])
    """

    def __init__(self, rate_hz: float) -> None:
        self._rate_hz = rate_hz
        self._index = 0
        self._open_at: int | None = None

    def feed(self, chunk: Samples) -> list[Annotation]:
        """Take the next samples and return the gaps that ended in them."""
        is_missing = np.isnan(chunk).any(axis=1)
        was_missing = self._open_at is not None
        edges = np.flatnonzero(np.diff(np.concatenate(([was_missing], is_missing)).astype(np.int8)))
        found = []
        for edge in (edges + self._index).tolist():
            if self._open_at is None:
                self._open_at = edge
            else:
                found.append(self._gap(self._open_at, edge))
                self._open_at = None
        self._index += len(chunk)
        return found

    def finish(self) -> list[Annotation]:
        """Return the gap the recording ends in, if it does."""
        if self._open_at is None:
            return []
        found, self._open_at = self._gap(self._open_at, self._index), None
        return [found]

    def _gap(self, start: int, stop: int) -> Annotation:
        return Annotation(start / self._rate_hz, (stop - start) / self._rate_hz, "no data")
