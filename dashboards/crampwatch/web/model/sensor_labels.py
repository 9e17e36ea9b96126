"""Names and placements that people give to sensors, which override what a sensor reports about itself."""

from typing import Annotated, Final, Literal

import msgspec
from crampwatch.protocol.messages import Placement, SensorInfo
from msgspec import Meta, Struct

__all__ = ["MAX_LABELS", "SensorLabel", "apply_label"]

MAX_LABELS: Final = 64
"""Bounds the file; nobody wears that many sensors."""
ShortText = Annotated[str, Meta(max_length=60)]


class SensorLabel(Struct, frozen=True, kw_only=True):
    """Name and placement of one sensor; empty texts and ``unknown`` mean the sensor's own.

    Attributes:
        name: Such as "the blue one".
        muscle: Everyday or anatomical name of the muscle.
    """

    name: ShortText = ""
    side: Literal["left", "right", "unknown"] = "unknown"
    muscle: ShortText = ""


def apply_label(info: SensorInfo, label: SensorLabel | None) -> SensorInfo:
    """Return a sensor's info message with the name and placement a person gave it; unchanged without a label."""
    if label is None:
        return info
    placement = Placement(
        side=info.placement.side if label.side == "unknown" else label.side,
        muscle=label.muscle or info.placement.muscle,
    )
    return msgspec.structs.replace(info, name=label.name or info.name, placement=placement)
