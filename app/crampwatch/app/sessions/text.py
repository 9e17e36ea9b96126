"""Episodes as `crampwatch detect` tells them: JSON Lines for programs, a table for people. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

__all__ = ["Line", "clock_text", "utc_text"]


@dataclass(frozen=True, slots=True)
class Line:
    """One episode of a recording.

    Attributes:
        onset_s: Seconds from the first sample.
        offset_s: The same for its end.
        onset_utc_ns: UTC of its begin; None where the recording does not tell.
        kind: What it most likely is.
        channels: Numbered from 0, the strongest first.
        detected_at_s: When the detector could first have said it.
        confidence: 0 to 1.
        peak_uv: Largest value; in the recording's own units where its scale is unknown.
        reasons: Why, in words.
        sensor: Whose signal, where the recording holds several sensors.
        calibration: Id and date of the personal calibration it was judged with; empty where there was none.
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
        """Return the object of one JSON line."""
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
        told = {"sensor": self.sensor, "calibration": self.calibration}
        return fields | {name: text for name, text in told.items() if text}

    def to_row(self, *, unit: str) -> tuple[str, ...]:
        """Return the cells of a table for people."""
        return (
            *([self.sensor] if self.sensor else []),
            clock_text(self.onset_s),
            f"{self.offset_s - self.onset_s:.1f} s",
            self.kind.replace("_", " "),
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
    """Return a stretch of time as people write it.

    >>> clock_text(3725.52)
    '1:02:05.5'
    """
    tenths = round(seconds * 10)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest // 10:02d}.{rest % 10}"
