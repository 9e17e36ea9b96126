"""A personal calibration: amplitudes of one wearer with one set of electrodes, at rest and at the hardest effort.

At the same effort, microvolts differ several times between persons, and between two electrode pairs on one foot.
SENIAM and ISEK therefore recommend giving amplitudes as a share of the wearer's own voluntary contraction. A
calibration holds the reference for that. It belongs to one placement of the electrodes: whoever moves them calibrates
again.

This module defines the value and its JSON file; `crampwatch.detector.calibration.builder` measures it.
"""

import hashlib
import math
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Final, Literal

import msgspec
import numpy as np
from crampwatch.protocol.errors import ConfigurationError, RecordingError
from crampwatch.protocol.stream import StreamDescription
from msgspec import Meta, Struct
from numpy.typing import NDArray

__all__ = ["Calibration", "CalibrationRefusedError", "ChannelCalibration", "Phase", "decode", "encode", "with_id"]

_LARGEST_BYTES: Final = 64 * 1024
"""A calibration of 64 channels has 10 kB; a larger file is something else."""
_Amplitude = Annotated[float, Meta(gt=0.0, lt=1e12)]


class Phase(StrEnum):
    """What the wearer does during a calibration."""

    REST = "rest"
    CURL = "curl"
    ANKLE = "ankle"


class CalibrationRefusedError(ConfigurationError):
    """A calibration that would mislead more than help; the message says why."""


class ChannelCalibration(Struct, frozen=True, kw_only=True):
    """Amplitudes of one channel: root mean squares of the EMG band, in the unit of the calibration.

    Attributes:
        rest: At rest.
        curl: Strongest second of the toe curls, above rest; null where rest hides it.
        own: Strongest second of any voluntary effort, above rest: the reference for 100 %; null where it hardly stood
            out from rest.
        motion_db: Power below 12 Hz over that of muscle while the ankle moved; null where no muscle was seen.
    """

    rest: _Amplitude
    curl: _Amplitude | None
    own: _Amplitude | None
    motion_db: Annotated[float, Meta(ge=-200.0, le=200.0)] | None


class Calibration(Struct, frozen=True, kw_only=True, tag="crampwatch-calibration", tag_field="what"):
    """A calibration of one sensor at one place on one foot.

    Attributes:
        id: Eight hexadecimal digits, a hash of all other fields.
        sensor: Id of the sensor; empty for a recording that does not state it.
        side: Foot on which it was worn.
        muscle: Name of the place, as the wearer entered it.
        made_ns: UTC of the last sample; 0 for a recording that does not state it.
        boot_id: Boot of the sensor in which it was recorded.
        stream: Number of the EMG stream.
        valid_from_index: Sample index from which it applies in the same boot; in later boots it applies from the first.
        rate_hz: Samples per second.
        unit: `uV`, or `relative` where the scale is unknown.
        lsb_uv: Microvolts per count of the stream; null where unknown.
        channels: In the order of the stream.
        v: Version of this encoding.
    """

    id: str = ""
    sensor: Annotated[str, Meta(max_length=120)] = ""
    side: Literal["left", "right", "unknown"] = "unknown"
    muscle: Annotated[str, Meta(max_length=500)] = ""
    made_ns: Annotated[int, Meta(ge=0, lt=1 << 62)] = 0
    boot_id: Annotated[int, Meta(ge=0, lt=1 << 32)] = 0
    stream: Annotated[int, Meta(ge=1, le=15)] = 1
    valid_from_index: Annotated[int, Meta(ge=0, lt=1 << 53)] = 0
    rate_hz: Annotated[float, Meta(gt=0, le=100_000)]
    unit: Literal["uV", "relative"]
    lsb_uv: _Amplitude | None
    channels: Annotated[tuple[ChannelCalibration, ...], Meta(min_length=1, max_length=64)]
    v: Literal[1] = 1

    def fits(self, stream: StreamDescription) -> bool:
        """Return whether a stream has the channels, rate and kind of scale that were calibrated."""
        lsb_uv = stream.lsb_uv if stream.has_scale else None
        return (
            len(self.channels) == stream.channels
            and math.isclose(self.rate_hz, stream.rate_hz, rel_tol=1e-3)
            and (lsb_uv is None) == (self.lsb_uv is None)
        )

    def own_amplitude(self, channel: int) -> float:
        """Return the amplitude of the wearer's hardest effort on a channel; NaN where unknown."""
        own = self.channels[channel].own
        return math.nan if own is None else own

    def rest_power(self) -> NDArray[np.float64]:
        """Return the power at rest; (channels,)."""
        return np.array([one.rest**2 for one in self.channels])

    @property
    def name(self) -> str:
        """Id and UTC date, as episodes name the calibration that they were classified with."""
        made = datetime.fromtimestamp(self.made_ns // 1_000_000_000, UTC)
        return f"{self.id} of {made:%Y-%m-%d}" if self.made_ns else self.id

    @property
    def toe_channel(self) -> int:
        """The channel on which the toe curls stand out most from rest."""
        return max(range(len(self.channels)), key=lambda place: _over_rest(self.channels[place]))


def with_id(calibration: Calibration) -> Calibration:
    """Return a calibration with the `id` that belongs to its other fields."""
    bare = msgspec.structs.replace(calibration, id="")
    digest = hashlib.sha256(msgspec.json.encode(bare)).hexdigest()
    return msgspec.structs.replace(calibration, id=digest[:8])


def encode(calibration: Calibration) -> bytes:
    """Return a calibration as JSON."""
    return msgspec.json.format(msgspec.json.encode(calibration), indent=2) + b"\n"


def decode(data: bytes) -> Calibration:
    """Read a calibration.

    Raises:
        RecordingError: It is not a calibration, has another version, or was altered.
    """
    advice = "Make a new one with `crampwatch calibrate`."
    if len(data) > _LARGEST_BYTES:
        raise RecordingError(
            f"A file of {len(data)} bytes is not a calibration; those have at most {_LARGEST_BYTES}.", advice=advice
        )
    try:
        found = msgspec.json.decode(data, type=Calibration)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise RecordingError(f"This is not a calibration: {error}.", advice=advice) from error
    if with_id(found).id != found.id:
        raise RecordingError(
            f"The calibration {found.id[:20]!r} was altered: its id does not match its content.", advice=advice
        )
    return found


def _over_rest(channel: ChannelCalibration) -> float:
    return 0.0 if channel.curl is None else channel.curl / channel.rest
