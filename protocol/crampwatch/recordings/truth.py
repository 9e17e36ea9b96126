"""Ground truth: what really happens in a simulated signal, so that a detector can be scored against it.

Truth is kept beside a recording as JSON Lines (`night.truth.jsonl` beside `night.edf`), one event per line.
"""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from crampwatch.protocol.errors import RecordingError
from crampwatch.protocol.kinds import EpisodeKind

__all__ = ["TruthEvent", "decode_truth", "encode_truth"]


@dataclass(frozen=True, slots=True)
class TruthEvent:
    """One event in a simulated signal.

    Attributes:
        kind: As a perfect observer would classify it.
        label: The cause in more detail, such as `voluntary_hold`, `plm`, `mains_step`.
        onset_s: Seconds from the first sample to its first visible discharge or disturbance.
        offset_s: Seconds from the first sample to its last visible one.
        channels: Indices of the channels on which it is visible; the strongest first.
        peak_uv: Largest absolute value of the event's own signal, without background, after the front end.
        snr_db: Mean power of the event's own signal between onset and offset over that of the noise of electrode and
            amplifier, on the strongest channel; NaN where there is no such signal, as in a gap.
    """

    kind: EpisodeKind
    label: str
    onset_s: float
    offset_s: float
    channels: tuple[int, ...]
    peak_uv: float
    snr_db: float

    @property
    def duration_s(self) -> float:
        """Seconds from onset to offset."""
        return self.offset_s - self.onset_s

    def to_dict(self) -> dict[str, Any]:
        """Return a dict for JSON; numbers that are not finite become None."""
        return {
            "kind": str(self.kind),
            "label": self.label,
            "onset_s": self.onset_s,
            "offset_s": self.offset_s,
            "channels": list(self.channels),
            "peak_uv": self.peak_uv if math.isfinite(self.peak_uv) else None,
            "snr_db": self.snr_db if math.isfinite(self.snr_db) else None,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> "TruthEvent":
        """Create an event from what `to_dict` returned.

        Raises:
            RecordingError: A field is missing or has a wrong type.
        """
        try:
            return cls(
                kind=EpisodeKind(fields["kind"]),
                label=str(fields["label"]),
                onset_s=float(fields["onset_s"]),
                offset_s=float(fields["offset_s"]),
                channels=tuple(int(channel) for channel in fields["channels"]),
                peak_uv=_float_or_nan(fields["peak_uv"]),
                snr_db=_float_or_nan(fields["snr_db"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise RecordingError(
                f"A truth event cannot be read: {error!r} in {dict(fields)!r}.",
                advice="Truth files are written by `crampwatch simulate`; write the recording again.",
            ) from error


def encode_truth(events: Iterable[TruthEvent]) -> str:
    """Return events as JSON Lines, one event per line."""
    return "".join(json.dumps(event.to_dict(), allow_nan=False) + "\n" for event in events)


def decode_truth(text: str) -> tuple[TruthEvent, ...]:
    """Decode JSON Lines as `encode_truth` writes them; blank lines are ignored.

    Raises:
        RecordingError: A line is not a truth event.
    """
    return tuple(TruthEvent.from_dict(_parse_object(line)) for line in text.splitlines() if line.strip())


def _parse_object(line: str) -> Mapping[str, Any]:
    try:
        fields = json.loads(line)
    except json.JSONDecodeError as error:
        raise RecordingError(f"A line of a truth file is not JSON: {line[:80]!r}.") from error
    if not isinstance(fields, dict):
        raise RecordingError(f"A line of a truth file is not a JSON object: {line[:80]!r}.")
    return fields


def _float_or_nan(value: Any) -> float:
    return math.nan if value is None else float(value)
