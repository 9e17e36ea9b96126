"""What a minute of known doing tells of one wearer and one set of electrodes: rest, toe curls, ankle movement.

The value alone; `calibration_maker` makes it of a signal. Amplitudes are given as a share of the wearer's own voluntary
contraction, as SENIAM and ISEK ask for: microvolts differ several times between persons, and between two electrode
pairs of one foot, at the same effort.
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

__all__ = ["Calibration", "CalibrationRefusedError", "ChannelCalibration", "Phase", "decode", "encode", "sign"]

_LARGEST_OCTETS: Final = 64 * 1024
_Amplitude = Annotated[float, Meta(gt=0.0, lt=1e12)]


class Phase(StrEnum):
    """What the wearer does."""

    REST = "rest"
    CURL = "curl"
    ANKLE = "ankle"


class CalibrationRefusedError(ConfigurationError):
    """A calibration that would mislead more than it helps; the message says what was not seen."""


class ChannelCalibration(Struct, frozen=True, kw_only=True):
    """What is known of one channel. Amplitudes are root mean squares of the EMG band.

    Attributes:
        rest: At rest.
        curl: Of the strongest second of the toe curls, above rest; null where rest hides it.
        own: Of the strongest second of anything the wearer did on purpose, above rest: 100 % of what is told as a
            share; null where it hardly stood out from rest.
        motion_db: Power below 12 Hz over that of muscle while the ankle moved; null where no muscle was seen.
    """

    rest: _Amplitude
    curl: _Amplitude | None
    own: _Amplitude | None
    motion_db: Annotated[float, Meta(ge=-200.0, le=200.0)] | None


class Calibration(Struct, frozen=True, kw_only=True, tag="crampwatch-calibration", tag_field="what"):
    """A calibration of one sensor at one place on one foot.

    Attributes:
        id: Eight hexadecimal digits that follow from all the rest.
        sensor: Whose; empty for a recording that does not tell.
        side: Where it was worn: `left`, `right` or `unknown`.
        muscle: The same, as the wearer calls it.
        made_ns: UTC of its last sample; 0 where the recording does not tell.
        boot_id: The sensor's boot it was recorded in.
        stream: Of that boot.
        valid_from_index: In the same boot it holds from this sample index on; in later ones from the first.
        rate_hz: Samples a second.
        unit: `uV`, or `relative` where the scale is unknown.
        lsb_uv: Of the stream; null where unknown.
        channels: One a channel.
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
        """Whether amplitudes of a stream can be held against it."""
        lsb_uv = stream.lsb_uv if stream.has_scale else None
        return (
            len(self.channels) == stream.channels
            and math.isclose(self.rate_hz, stream.rate_hz, rel_tol=1e-3)
            and (lsb_uv is None) == (self.lsb_uv is None)
        )

    def own_on(self, channel: int) -> float:
        """Return the amplitude of the wearer's own hardest effort on a channel; NaN where unknown."""
        own = self.channels[channel].own
        return math.nan if own is None else own

    def rest_power(self) -> NDArray[np.float64]:
        """Return the power at rest; (channels,)."""
        return np.array([one.rest**2 for one in self.channels])

    @property
    def name(self) -> str:
        """Its id and the date it was made, as results declare it."""
        made = datetime.fromtimestamp(self.made_ns // 1_000_000_000, UTC)
        return f"{self.id} of {made:%Y-%m-%d}" if self.made_ns else self.id

    @property
    def toe_channel(self) -> int:
        """The channel on which the toe curls stood out most from rest."""
        return max(range(len(self.channels)), key=lambda place: _over_rest(self.channels[place]))


def sign(calibration: Calibration) -> Calibration:
    """Return a calibration with the id that follows from it."""
    bare = msgspec.structs.replace(calibration, id="")
    digest = hashlib.sha256(msgspec.json.encode(bare)).hexdigest()
    return msgspec.structs.replace(calibration, id=digest[:8])


def encode(calibration: Calibration) -> bytes:
    """Return a calibration as JSON."""
    return msgspec.json.format(msgspec.json.encode(calibration), indent=2) + b"\n"


def decode(data: bytes) -> Calibration:
    """Read a calibration.

    Raises:
        RecordingError: It is none, one of another version, or one that was altered.
    """
    advice = "Make a new one with `crampwatch calibrate`."
    if len(data) > _LARGEST_OCTETS:
        raise RecordingError(f"A calibration of {len(data)} octets is none of ours.", advice=advice)
    try:
        found = msgspec.json.decode(data, type=Calibration)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise RecordingError(f"This is not a calibration: {error}.", advice=advice) from error
    if sign(found).id != found.id:
        raise RecordingError(f"The calibration {found.id[:20]!r} was altered: its id does not fit.", advice=advice)
    return found


def _over_rest(channel: ChannelCalibration) -> float:
    return 0.0 if channel.curl is None else channel.curl / channel.rest
