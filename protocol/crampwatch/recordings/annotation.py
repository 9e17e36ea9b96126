"""An annotation: text that describes a stretch or an instant of a recording."""

from dataclasses import dataclass

__all__ = ["Annotation"]


@dataclass(frozen=True, slots=True)
class Annotation:
    """Text about a stretch of a recording, such as an episode or a gap.

    Attributes:
        onset_s: Seconds from the first sample.
        duration_s: None for an instant.
        text: Free text; formats that cannot hold line breaks replace them by spaces.
    """

    onset_s: float
    duration_s: float | None
    text: str
