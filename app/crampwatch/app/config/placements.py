"""Where sensors are worn, as people write it."""

from collections.abc import Iterable
from pathlib import Path
from typing import Literal, get_args

from crampwatch.protocol.errors import ConfigurationError
from crampwatch.protocol.messages import Placement

__all__ = ["placed_on_page", "placements_of"]

_Side = Literal["left", "right", "unknown"]


def placements_of(texts: Iterable[str]) -> dict[str, Placement]:
    """Return placements by sensor.

    >>> placements_of(["CW-1A2B=left:abductor hallucis"])
    {'CW-1A2B': Placement(side='left', muscle='abductor hallucis')}

    Raises:
        ConfigurationError: A text is not NAME=SIDE or NAME=SIDE:MUSCLE.
    """
    return dict(_placement(text) for text in texts)


def placed_on_page(folder: Path) -> dict[str, Placement]:
    """Return placements that were set on the page, by sensor."""
    from crampwatch.web.http.files import load
    from crampwatch.web.settings.model.sensor_labels import SensorLabel

    labels = load(folder / "sensors.json", dict[str, SensorLabel], {})
    return {
        sensor: Placement(side=label.side, muscle=label.muscle)
        for sensor, label in labels.items()
        if label.side != "unknown" or label.muscle
    }


def _placement(text: str) -> tuple[str, Placement]:
    name, _, place = text.partition("=")
    side, _, muscle = place.partition(":")
    for known in get_args(_Side):
        if name.strip() and side.strip() == known:
            return name.strip(), Placement(side=known, muscle=muscle.strip())
    raise ConfigurationError(
        f"The placement {text[:80]!r} cannot be understood.",
        advice="Write NAME=left or NAME=right, and the muscle after a colon: CW-1A2B=left:abductor hallucis.",
    )
