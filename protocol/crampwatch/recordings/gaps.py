"""Finding gaps in a recording while it is being written."""

import numpy as np
from crampwatch.recordings.annotation import Annotation
from crampwatch.recordings.recording import Samples

__all__ = ["GapFinder"]


class GapFinder:
    """Finds stretches in which at least one channel has no samples.

    >>> gaps = GapFinder(rate_hz=10.0)
    >>> gaps.push(np.array([[1.0], [np.nan]])), gaps.push(np.array([[np.nan], [1.0]]))
    ([], [Annotation(onset_s=0.1, duration_s=0.2, text='no data')])
    """

    def __init__(self, rate_hz: float) -> None:
        self._rate_hz = rate_hz
        self._next_index = 0
        self._gap_start: int | None = None

    def push(self, chunk: Samples) -> list[Annotation]:
        """Process the next samples and return the gaps that ended within them."""
        is_missing = np.isnan(chunk).any(axis=1)
        was_missing = self._gap_start is not None
        edges = np.flatnonzero(np.diff(np.concatenate(([was_missing], is_missing)).astype(np.int8)))
        ended = []
        for edge in (edges + self._next_index).tolist():
            if self._gap_start is None:
                self._gap_start = edge
            else:
                ended.append(self._annotation(self._gap_start, edge))
                self._gap_start = None
        self._next_index += len(chunk)
        return ended

    def finish(self) -> list[Annotation]:
        """Return the gap that lasts until the end of the recording, if there is one."""
        if self._gap_start is None:
            return []
        last, self._gap_start = self._annotation(self._gap_start, self._next_index), None
        return [last]

    def _annotation(self, start: int, stop: int) -> Annotation:
        return Annotation(start / self._rate_hz, (stop - start) / self._rate_hz, "no data")
