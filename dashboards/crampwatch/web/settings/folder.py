"""The files with the alarms' state and the sensors' labels, in the data folder."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from crampwatch.protocol.topics import SENSOR_PATTERN
from crampwatch.web.http import files
from crampwatch.web.model.alarms import AlarmState
from crampwatch.web.model.sensor_labels import SensorLabel
from msgspec import Meta

__all__ = ["SettingsFolder"]

_SensorId = Annotated[str, Meta(pattern=f"^{SENSOR_PATTERN}$")]


@dataclass(frozen=True, slots=True)
class SettingsFolder:
    """Loads and saves what people set on the page. A missing or damaged file counts as the defaults.

    Attributes:
        root: Folder for the page's own files; None to forget everything when the server stops.
    """

    root: Path | None

    def load_alarms(self) -> AlarmState:
        """Return the saved state of the alarms."""
        return files.load(self.root / "alarms.json", AlarmState, AlarmState()) if self.root else AlarmState()

    def load_labels(self) -> dict[str, SensorLabel]:
        """Return the saved sensor labels by sensor id."""
        return files.load(self.root / "sensors.json", dict[_SensorId, SensorLabel], {}) if self.root else {}

    def save_alarms(self, state: AlarmState) -> None:
        """Save the state of the alarms.

        Raises:
            UnavailableError: The file cannot be written.
        """
        if self.root is not None:
            files.save(self.root / "alarms.json", state)

    def save_labels(self, labels: dict[str, SensorLabel]) -> None:
        """Save the sensor labels.

        Raises:
            UnavailableError: The file cannot be written.
        """
        if self.root is not None:
            files.save(self.root / "sensors.json", labels)
