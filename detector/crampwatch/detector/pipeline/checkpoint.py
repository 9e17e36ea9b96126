"""The state of a pipeline as bytes: versioned, compact, no pickle.

Every stateful part of the pipeline has a `state()` and a `restore()`; `PipelineState` holds what they return. This
module knows how that is laid out as bytes, and nothing about what it means.

The layout is one MessagePack map (`_Version8`). The state of the signal parts is its entry `arrays`: one value for
each name "<part>.<name>", where a NumPy array is an extension of type 1 (its dtype and shape, then its bytes). So a new
part, or a new value of a part, needs no change here; but since `restore` of that part expects the value,
`STATE_VERSION` has to be raised. A checkpoint of another version is refused: the recording holds everything, and is
analysed again.
"""

from dataclasses import dataclass
from typing import Any, Final

import msgspec
import numpy as np
from crampwatch.detector.calibration.calibration import Calibration
from crampwatch.detector.episodes.open_episode import OpenEpisode
from crampwatch.detector.episodes.tracker import TrackerState
from crampwatch.detector.model.config import DetectorConfig
from crampwatch.detector.pipeline.calibration_schedule import CalibrationState
from crampwatch.detector.pipeline.signal_state import SignalStateRecord
from crampwatch.protocol.errors import ConfigurationError
from crampwatch.protocol.stream import StreamDescription
from numpy.typing import NDArray

__all__ = ["STATE_VERSION", "PartStates", "PipelineState", "StateError", "decode_checkpoint", "encode_checkpoint"]

STATE_VERSION: Final = 8
_ARRAY: Final = 1
_KINDS: Final = "bifu"  # element kinds an array may hold: truth values and numbers, never objects
_ADVICE: Final = "Start the detector without it; the recording itself holds everything it had analysed."

PartStates = dict[str, dict[str, Any]]
"""The state of each signal part by its name: arrays and plain numbers by their names."""


class StateError(ConfigurationError, ValueError):
    """Bytes that are not a state of this version of the detector."""


@dataclass(frozen=True, slots=True)
class PipelineState:
    """All that a pipeline carries from block to block.

    Attributes:
        parts: State of the signal parts: framer, filters, noise floor, history...
        tracker: Episodes under way.
        celsius: Latest skin temperature; NaN where there was none.
    """

    stream: StreamDescription
    config: DetectorConfig
    parts: PartStates
    tracker: TrackerState
    signal_state: SignalStateRecord
    calibrations: CalibrationState
    celsius: float


@dataclass(frozen=True, slots=True)
class _Version8:
    """The layout of the bytes; names and order are part of the format."""

    version: int
    stream: StreamDescription
    config: DetectorConfig
    arrays: dict[str, Any]
    next_index: int | None  # framer.next_index; it and the next have entries of their own, for what they were once
    first_hop: int  # history.first_hop
    barrier_bins: list[int]
    open: list[OpenEpisode]
    recent: list[OpenEpisode]
    series: OpenEpisode | None
    state: SignalStateRecord
    celsius: float
    calibration: Calibration | None = None
    calibrations_due: tuple[Calibration, ...] = ()


def encode_checkpoint(state: PipelineState) -> bytes:
    """Return the state of a pipeline as bytes."""
    values = {f"{part}.{name}": value for part, named in state.parts.items() for name, value in named.items()}
    return _ENCODER.encode(
        _Version8(
            version=STATE_VERSION,
            stream=state.stream,
            config=state.config,
            next_index=values.pop("framer.next_index"),
            first_hop=values.pop("history.first_hop"),
            arrays=values,
            barrier_bins=state.tracker.barrier_bins,
            open=state.tracker.open,
            recent=state.tracker.recent,
            series=state.tracker.series,
            state=state.signal_state,
            celsius=state.celsius,
            calibration=state.calibrations.current,
            calibrations_due=state.calibrations.due,
        )
    )


def decode_checkpoint(data: bytes) -> PipelineState:
    """Read the state of a pipeline.

    Raises:
        StateError: The bytes are something else, or of another version.
    """
    try:
        saved = _DECODER.decode(data)
    except (msgspec.MsgspecError, ValueError, TypeError) as error:
        raise StateError(f"This is not a state of the detector: {error}.", advice=_ADVICE) from error
    if saved.version != STATE_VERSION:
        raise StateError(f"The detector's state has version {saved.version}, expected {STATE_VERSION}.", advice=_ADVICE)
    own_entries = {"framer.next_index": saved.next_index, "history.first_hop": saved.first_hop}
    return PipelineState(
        stream=saved.stream,
        config=saved.config,
        parts=_by_part({**saved.arrays, **own_entries}),
        tracker=TrackerState(saved.barrier_bins, saved.open, saved.recent, saved.series),
        signal_state=saved.state,
        calibrations=CalibrationState(saved.calibration, saved.calibrations_due),
        celsius=saved.celsius,
    )


def _by_part(values: dict[str, Any]) -> PartStates:
    parts: PartStates = {}
    for key, value in values.items():
        part, _, name = key.partition(".")
        parts.setdefault(part, {})[name] = value
    return parts


def _encode_array(value: object) -> msgspec.msgpack.Ext:
    if not isinstance(value, np.ndarray):
        raise NotImplementedError(f"cannot write a {type(value).__name__} into a checkpoint")
    head = msgspec.msgpack.encode((value.dtype.str, value.shape))
    return msgspec.msgpack.Ext(_ARRAY, len(head).to_bytes(2, "little") + head + value.tobytes())


def _decode_array(code: int, data: memoryview) -> NDArray[Any]:
    size = int.from_bytes(data[:2], "little")
    name, shape = msgspec.msgpack.decode(data[2 : 2 + size], type=tuple[str, tuple[int, ...]])
    dtype = np.dtype(name)
    if code != _ARRAY or dtype.kind not in _KINDS:
        raise ValueError(f"unexpected array of type {name}")
    return np.frombuffer(data[2 + size :], dtype).reshape(shape).copy()


def _accept_array(expected: type, value: object) -> object:
    del expected  # arrays arrive built by the extension hook
    return value


_ENCODER: Final = msgspec.msgpack.Encoder(enc_hook=_encode_array)
_DECODER: Final = msgspec.msgpack.Decoder(_Version8, ext_hook=_decode_array, dec_hook=_accept_array)
