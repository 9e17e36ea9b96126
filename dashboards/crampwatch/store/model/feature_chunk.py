"""Feature steps packed by the 48: a night of two channels takes 13 MB so, and 60 MB as a row each."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from crampwatch.protocol.messages import Features
from crampwatch.store.model.series import FIELDS
from numpy.typing import NDArray

__all__ = ["STEPS", "FeatureChunk", "known_steps", "parts_of"]

STEPS: Final = 48
"""Two rows of two channels fill one page of an SQLite file."""
_NAMES: Final = FIELDS["features"]


@dataclass(slots=True, eq=False)
class FeatureChunk:
    """Consecutive steps of one stream of one boot, beginning at a multiple of `STEPS` steps.

    Attributes:
        t_ns: Time of the first step, UTC, after the newest message that touched the chunk.
        step_ns: From step to step.
        values: float32, shape (STEPS, channels, 5), fields as in `FIELDS`; NaN where nothing is known.
    """

    t_ns: int
    step_ns: float
    values: NDArray[np.float32]

    @classmethod
    def empty(cls, channels: int) -> "FeatureChunk":
        """Return a chunk that knows nothing yet."""
        return cls(0, 0.0, np.full((STEPS, channels, len(_NAMES)), np.nan, np.float32))

    @classmethod
    def unpacked(cls, t_ns: int, step_ns: float, packed: bytes) -> "FeatureChunk":
        """Read what `packed` wrote."""
        values = np.frombuffer(packed, "<f4").reshape(STEPS, -1, len(_NAMES)).copy()
        return cls(t_ns, step_ns, values)

    def packed(self) -> bytes:
        """Return the values as octets."""
        return self.values.astype("<f4", copy=False).tobytes()

    def take(self, part: "Part") -> None:
        """Put in steps of a message; what was there at the same steps is replaced."""
        self.t_ns = round(part.t_ns - part.begin * part.step_ns)
        self.step_ns = part.step_ns
        missing = part.values.shape[1] - self.values.shape[1]
        if missing > 0:
            self.values = np.pad(self.values, ((0, 0), (0, missing), (0, 0)), constant_values=np.nan)
        self.values[part.begin : part.begin + len(part.values), : part.values.shape[1]] = part.values


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """The steps of a message that fall into one chunk.

    Attributes:
        chunk: Number of the chunk since sample index 0.
        begin: First step within the chunk.
        t_ns: Time of that step.
        step_ns: From step to step.
        values: float32, shape (steps, channels, 5).
    """

    chunk: int
    begin: int
    t_ns: float
    step_ns: float
    values: NDArray[np.float32]


def parts_of(message: Features) -> list[Part]:
    """Return the steps of a message, split at the borders of chunks."""
    columns = [[getattr(channel, name) for name in _NAMES] for channel in message.channels]
    if not columns or len({len(column) for channel in columns for column in channel}) != 1:
        return []
    values = np.moveaxis(np.array(columns, dtype=np.float32), 2, 0)
    first = message.first_index // message.step_samples
    borders = range(first - first % STEPS, first + len(values), STEPS)
    step_ns = message.step_s * 1e9
    parts = []
    for border in borders:
        begin, end = max(first, border), min(first + len(values), border + STEPS)
        t_ns = message.t_ns + (begin - first) * step_ns
        parts.append(Part(border // STEPS, begin - border, t_ns, step_ns, values[begin - first : end - first]))
    return parts


def known_steps(rows: Sequence[tuple[int, float, bytes]]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return times and values, (n,) and (n, channels, 5), of all steps of which anything is known.

    Args:
        rows: `t_ns`, `step_ns` and `packed` values of chunks, in any order.
    """
    widest = max((len(packed) for _, _, packed in rows), default=0)
    values = np.frombuffer(b"".join(_widened(packed, widest) for _, _, packed in rows), "<f4")
    values = values.reshape(len(rows) * STEPS, -1, len(_NAMES)) if rows else np.empty((0, 1, len(_NAMES)), "<f4")
    begins_ns = np.array([t_ns for t_ns, _, _ in rows], dtype=np.int64)
    steps_ns = np.array([step_ns for _, step_ns, _ in rows], dtype=np.float64)
    t_ns = begins_ns[:, None] + np.round(steps_ns[:, None] * np.arange(STEPS)).astype(np.int64)
    is_known = np.isfinite(values).any(axis=(1, 2))
    return t_ns.ravel()[is_known], values[is_known].astype(np.float64)


def _widened(packed: bytes, octets: int) -> bytes:
    """Return packed values with as many channels as others have."""
    if len(packed) == octets:
        return packed
    channels = octets // (STEPS * len(_NAMES) * 4)
    chunk = FeatureChunk.unpacked(0, 0.0, packed)
    missing = channels - chunk.values.shape[1]
    return np.pad(chunk.values, ((0, 0), (0, missing), (0, 0)), constant_values=np.nan).tobytes()
