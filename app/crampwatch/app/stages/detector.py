"""The live detector as a separate program."""

from crampwatch.app.config.addresses import broker_address
from crampwatch.app.config.data_folder import DataFolder
from crampwatch.app.config.settings import Settings
from crampwatch.app.runtime.run_service import run_service
from crampwatch.detector.service.service import DetectorOptions, run

__all__ = ["run_detector"]


def run_detector(settings: Settings) -> None:
    """Run the detector until stopped.

    Raises:
        CrampwatchError: It cannot run.
    """
    folder = DataFolder(settings.data)
    folder.create()
    options = DetectorOptions(
        broker_address(settings, "detector"),
        folder.detector,
        calibrations=folder.calibrations,
        client_id=folder.client_id("detector"),
    )
    run_service("detector", settings, lambda stop: run(options, stop=stop))
