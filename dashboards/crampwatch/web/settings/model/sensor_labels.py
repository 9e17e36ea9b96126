"""How a person calls a sensor and where they wear it, where that differs from what the sensor says itself."""

from typing import Annotated, Final, Literal

import msgspec
from crampwatch.protocol.messages import Placement, SensorInfo
from msgspec import Meta, Struct

__all__ = ["MAX_LABELS", "SensorLabel", "labelled"]

MAX_LABELS: Final = 64
ShortText = Annotated[str, Meta(max_length=60)]


class SensorLabel(Struct, frozen=True, kw_only=True):
    """What a person has set for one sensor; empty texts and ``unknown`` leave what the sensor says.

    Attributes:
        name: Such as "the blue one".
        side: Of the body.
        muscle: As people say it, or its anatomical name.
    """

    name: ShortText = ""
    side: Literal["left", "right", "unknown"] = "unknown"
    muscle: ShortText = ""


def labelled(info: SensorInfo, label: SensorLabel | None) -> SensorInfo:
    """Return a sensor's introduction as a person wants to read it."""
    if label is None:
        return info
    placement = Placement(
        side=info.placement.side if label.side == "unknown" else label.side,
        muscle=label.muscle or info.placement.muscle,
    )
    return msgspec.structs.replace(info, name=label.name or info.name, placement=placement)
