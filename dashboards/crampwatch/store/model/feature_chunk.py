"""Feature steps packed by 48: a night of two channels takes 13 MB this way, and 60 MB with a row for each step."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from crampwatch.protocol.messages import Features
from crampwatch.store.model.series import FIELDS
from numpy.typing import NDArray

__all__ = ["STEPS", "FeatureChunk", "split_into_chunks", "unpack_steps"]

STEPS: Final = 48
"""Two rows of two channels fill one page (4 KiB) of an SQLite file: 48 steps x 2 channels x 5 fields x 4 bytes = 1,920
bytes a row."""
_NAMES: Final = FIELDS["features"]


@dataclass(slots=True, eq=False)
class FeatureChunk:
    """Consecutive steps of one stream of one boot, starting at a multiple of `STEPS` steps.

    Attributes:
        t_ns: UTC of the first step, taken from the newest message that touched the chunk.
        step_ns: Time from one step to the next.
        values: float32, shape (STEPS, channels, 5), fields as in `FIELDS`; NaN where nothing was stored.
    """

    t_ns: int
    step_ns: float
    values: NDArray[np.float32]

    @classmethod
    def empty(cls, channels: int) -> "FeatureChunk":
        """Return a chunk whose steps are all NaN."""
        return cls(0, 0.0, np.full((STEPS, channels, len(_NAMES)), np.nan, np.float32))

    @classmethod
    def decode(cls, t_ns: int, step_ns: float, packed: bytes) -> "FeatureChunk":
        """Return the chunk whose values :meth:`encode` returned."""
        values = np.frombuffer(packed, "<f4").reshape(STEPS, -1, len(_NAMES)).copy()
        return cls(t_ns, step_ns, values)

    def encode(self) -> bytes:
        """Return the values as little-endian float32 bytes."""
        return self.values.astype("<f4", copy=False).tobytes()

    def insert(self, part: "ChunkPart") -> None:
        """Insert steps of a message; earlier values of the same steps are replaced."""
        self.t_ns = round(part.t_ns - part.first_step * part.step_ns)
        self.step_ns = part.step_ns
        missing = part.values.shape[1] - self.values.shape[1]
        if missing > 0:
            self.values = np.pad(self.values, ((0, 0), (0, missing), (0, 0)), constant_values=np.nan)
        self.values[part.first_step : part.first_step + len(part.values), : part.values.shape[1]] = part.values


@dataclass(frozen=True, slots=True, eq=False)
class ChunkPart:
    """The steps of a message that belong to one chunk.

    Attributes:
        chunk: Number of the chunk, counted from sample index 0.
        first_step: Position of the first step within the chunk.
        t_ns: UTC of that step.
        step_ns: Time from one step to the next.
        values: float32, shape (steps, channels, 5).
    """

    chunk: int
    first_step: int
    t_ns: float
    step_ns: float
    values: NDArray[np.float32]


def split_into_chunks(message: Features) -> list[ChunkPart]:
    """Return the steps of a message, split at the borders of chunks; empty if its columns differ in length."""
    columns = [[getattr(channel, name) for name in _NAMES] for channel in message.channels]
    if not columns or len({len(column) for channel in columns for column in channel}) != 1:
        return []
    values = np.moveaxis(np.array(columns, dtype=np.float32), 2, 0)
    first = message.first_index // message.step_samples
    borders = range(first - first % STEPS, first + len(values), STEPS)
    step_ns = message.step_s * 1e9
    parts = []
    for border in borders:
        start, end = max(first, border), min(first + len(values), border + STEPS)
        t_ns = message.t_ns + (start - first) * step_ns
        parts.append(ChunkPart(border // STEPS, start - border, t_ns, step_ns, values[start - first : end - first]))
    return parts


def unpack_steps(rows: Sequence[tuple[int, float, bytes]]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return times and values, shapes (n,) and (n, channels, 5), of all steps that have at least one value.

    Args:
        rows: `t_ns`, `step_ns` and encoded values of chunks, in any order; chunks with fewer channels than the widest
            one are padded with NaN.
    """
    widest = max((len(packed) for _, _, packed in rows), default=0)
    values = np.frombuffer(b"".join(_pad_channels(packed, widest) for _, _, packed in rows), "<f4")
    values = values.reshape(len(rows) * STEPS, -1, len(_NAMES)) if rows else np.empty((0, 1, len(_NAMES)), "<f4")
    starts_ns = np.array([t_ns for t_ns, _, _ in rows], dtype=np.int64)
    steps_ns = np.array([step_ns for _, step_ns, _ in rows], dtype=np.float64)
    t_ns = starts_ns[:, None] + np.round(steps_ns[:, None] * np.arange(STEPS)).astype(np.int64)
    has_value = np.isfinite(values).any(axis=(1, 2))
    return t_ns.ravel()[has_value], values[has_value].astype(np.float64)


def _pad_channels(packed: bytes, length: int) -> bytes:
    """Return encoded values padded with NaN channels to `length` bytes."""
    if len(packed) == length:
        return packed
    channels = length // (STEPS * len(_NAMES) * 4)
    chunk = FeatureChunk.decode(0, 0.0, packed)
    missing = channels - chunk.values.shape[1]
    return np.pad(chunk.values, ((0, 0), (0, missing), (0, 0)), constant_values=np.nan).tobytes()
