"""The detector's state as bytes: versioned, compact, no pickle."""

from dataclasses import dataclass
from typing import Any, Final

import msgspec
import numpy as np
from crampwatch.detector.calibration.calibration import Calibration
from crampwatch.detector.episodes.tracker import OpenEpisode
from crampwatch.detector.model.config import DetectorConfig
from crampwatch.detector.pipeline.signal_state import StateMachine
from crampwatch.protocol.errors import ConfigurationError
from crampwatch.protocol.stream import StreamDescription
from numpy.typing import NDArray

__all__ = ["STATE_VERSION", "Checkpoint", "StateError", "decode_checkpoint", "encode_checkpoint"]

STATE_VERSION: Final = 8
_ARRAY: Final = 1
_KINDS: Final = "bifu"  # element kinds an array may hold: truth values and numbers, never objects


class StateError(ConfigurationError, ValueError):
    """Bytes that are not a state of this version of the detector."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """All that a detector carries from block to block.

    Attributes:
        version: `STATE_VERSION` of the writer.
        stream: The stream as the sensor describes it.
        config: Thresholds in force.
        arrays: Arrays by part and name.
        next_index: Sample index expected next.
        first_hop: First hop of the history.
        barrier_bins: No episode reaches back before this; one a channel.
        open: The episodes under way.
        recent: Brief episodes that ended last.
        series: The series under way.
        state: The state machine.
        celsius: Skin temperature told last; NaN where none.
        calibration: What is known of the wearer; None where nothing is.
        calibrations_due: Those that hold from a later sample on.
    """

    version: int
    stream: StreamDescription
    config: DetectorConfig
    arrays: dict[str, Any]
    next_index: int | None
    first_hop: int
    barrier_bins: list[int]
    open: list[OpenEpisode]
    recent: list[OpenEpisode]
    series: OpenEpisode | None
    state: StateMachine
    celsius: float
    calibration: Calibration | None = None
    calibrations_due: tuple[Calibration, ...] = ()


def encode_checkpoint(checkpoint: Checkpoint) -> bytes:
    """Write a checkpoint down."""
    return _ENCODER.encode(checkpoint)


def decode_checkpoint(data: bytes) -> Checkpoint:
    """Read a checkpoint.

    Raises:
        StateError: These are other bytes, or those of another version.
    """
    advice = "Start the detector anew; the recording itself holds everything it had seen."
    try:
        checkpoint = _DECODER.decode(data)
    except (msgspec.MsgspecError, ValueError, TypeError) as error:
        raise StateError(f"This is not a state of the detector: {error}.", advice=advice) from error
    if checkpoint.version != STATE_VERSION:
        raise StateError(
            f"The detector's state has version {checkpoint.version}, expected {STATE_VERSION}.", advice=advice
        )
    return checkpoint


def _write_array(value: object) -> msgspec.msgpack.Ext:
    if not isinstance(value, np.ndarray):
        raise NotImplementedError(f"cannot write a {type(value).__name__} into a checkpoint")
    head = msgspec.msgpack.encode((value.dtype.str, value.shape))
    return msgspec.msgpack.Ext(_ARRAY, len(head).to_bytes(2, "little") + head + value.tobytes())


def _read_array(code: int, data: memoryview) -> NDArray[Any]:
    size = int.from_bytes(data[:2], "little")
    name, shape = msgspec.msgpack.decode(data[2 : 2 + size], type=tuple[str, tuple[int, ...]])
    dtype = np.dtype(name)
    if code != _ARRAY or dtype.kind not in _KINDS:
        raise ValueError(f"unexpected array of type {name}")
    return np.frombuffer(data[2 + size :], dtype).reshape(shape).copy()


def _as_is(wanted: type, value: object) -> object:
    del wanted  # arrays arrive built by the extension hook
    return value


_ENCODER: Final = msgspec.msgpack.Encoder(enc_hook=_write_array)
_DECODER: Final = msgspec.msgpack.Decoder(Checkpoint, ext_hook=_read_array, dec_hook=_as_is)
