"""Episodes as `crampwatch detect` prints them: JSON Lines for programs, a table for people. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from crampwatch.app.cli.wording import kind_text, length_text

__all__ = ["EpisodeLine", "clock_text", "utc_text"]


@dataclass(frozen=True, slots=True)
class EpisodeLine:
    """One episode of a recording.

    Attributes:
        onset_s: Seconds from the first sample of the recording.
        offset_s: Seconds from the first sample of the recording.
        onset_utc_ns: None where the recording does not state its start.
        kind: What the episode most likely is.
        channels: Numbered from 0, the strongest first.
        detected_at_s: When a live detector would have reported it, in seconds from the first sample.
        confidence: 0 to 1.
        peak_uv: Largest amplitude; in the recording's own units where its scale is unknown.
        reasons: One sentence each.
        sensor: Empty where the recording holds only one sensor.
        calibration: Id and date of the personal calibration that was used; empty for none.
    """

    onset_s: float
    offset_s: float
    onset_utc_ns: int | None
    kind: str
    channels: tuple[int, ...]
    detected_at_s: float
    confidence: float
    peak_uv: float
    reasons: tuple[str, ...]
    sensor: str = ""
    calibration: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the object of one JSON line; `sensor` and `calibration` only where they are not empty."""
        fields: dict[str, Any] = {
            "onset_s": round(self.onset_s, 6),
            "offset_s": round(self.offset_s, 6),
            "onset_utc": None if self.onset_utc_ns is None else utc_text(self.onset_utc_ns),
            "kind": str(self.kind),
            "channels": list(self.channels),
            "detected_at_s": round(self.detected_at_s, 6),
            "confidence": round(self.confidence, 4),
            "peak_uv": round(self.peak_uv, 3),
            "reasons": list(self.reasons),
        }
        optional = {"sensor": self.sensor, "calibration": self.calibration}
        return fields | {name: text for name, text in optional.items() if text}

    def to_cells(self, *, unit: str) -> tuple[str, ...]:
        """Return the cells of a table for people."""
        return (
            *([self.sensor] if self.sensor else []),
            clock_text(self.onset_s),
            length_text(self.offset_s - self.onset_s),
            kind_text(self.kind),
            ", ".join(str(channel + 1) for channel in self.channels),
            f"{self.confidence:.0%}",
            f"{self.peak_uv:.0f} {unit}".strip() if self.peak_uv >= 10 else f"{self.peak_uv:.3g} {unit}".strip(),
            " ".join(self.reasons),
        )


def utc_text(utc_ns: int) -> str:
    """Return a time as ISO 8601 in UTC, to the microsecond.

    >>> utc_text(1_700_000_000_250_000_000)
    '2023-11-14T22:13:20.250000Z'
    """
    seconds, rest_ns = divmod(utc_ns, 1_000_000_000)
    whole = datetime.fromtimestamp(seconds, UTC)
    return f"{whole:%Y-%m-%dT%H:%M:%S}.{rest_ns // 1000:06d}Z"


def clock_text(seconds: float) -> str:
    """Return a position within a recording, as hours:minutes:seconds.

    >>> clock_text(3725.52)
    '1:02:05.5'
    """
    tenths = round(seconds * 10)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest // 10:02d}.{rest % 10}"
