"""Where sensors are worn: as settings state it, and as set on the page."""

from collections.abc import Iterable
from pathlib import Path
from typing import Literal, get_args

from crampwatch.protocol.errors import ConfigurationError
from crampwatch.protocol.messages import Placement
from crampwatch.web.http.files import load
from crampwatch.web.model.sensor_labels import SensorLabel

__all__ = ["load_page_placements", "parse_placements"]

_Side = Literal["left", "right", "unknown"]


def parse_placements(texts: Iterable[str]) -> dict[str, Placement]:
    """Return placements by sensor, from texts such as ``CW-1A2B=left:abductor hallucis``.

    >>> parse_placements(["CW-1A2B=left:abductor hallucis"])
    {'CW-1A2B': Placement(side='left', muscle='abductor hallucis')}

    Raises:
        ConfigurationError: A text is not NAME=SIDE or NAME=SIDE:MUSCLE.
    """
    return dict(_parse_placement(text) for text in texts)


def load_page_placements(folder: Path) -> dict[str, Placement]:
    """Return the placements that were set on the page, by sensor.

    Args:
        folder: `DataFolder.page`.
    """
    labels = load(folder / "sensors.json", dict[str, SensorLabel], {})
    return {
        sensor: Placement(side=label.side, muscle=label.muscle)
        for sensor, label in labels.items()
        if label.side != "unknown" or label.muscle
    }


def _parse_placement(text: str) -> tuple[str, Placement]:
    name, _, place = text.partition("=")
    side, _, muscle = place.partition(":")
    for candidate in get_args(_Side):
        if name.strip() and side.strip() == candidate:
            return name.strip(), Placement(side=candidate, muscle=muscle.strip())
    raise ConfigurationError(
        f"{text[:80]!r} is not a placement.",
        advice="Write NAME=left or NAME=right, optionally with a muscle: CW-1A2B=left:abductor hallucis.",
    )
