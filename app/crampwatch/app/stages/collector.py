"""The collector as a separate program."""

from crampwatch.app.cli.version import version_text
from crampwatch.app.config.addresses import broker_address
from crampwatch.app.config.data_folder import DataFolder
from crampwatch.app.config.placements import load_page_placements, parse_placements
from crampwatch.app.config.settings import Settings
from crampwatch.app.runtime.run_service import run_service
from crampwatch.collector.options import CollectorOptions
from crampwatch.collector.service import run

__all__ = ["run_collector"]


def run_collector(
    settings: Settings, *, speed: float = 1.0, start_utc_ns: int | None = None, ends_with_streams: bool = False
) -> None:
    """Run the collector until stopped, or until the sensors' streams have ended.

    Placements given as settings win over those set on the page.

    Args:
        settings: Adapter, sensors, broker and data folder.
        speed: How many times faster than real time the simulated sensors send.
        start_utc_ns: UTC of the first sample of a replay; None for now.
        ends_with_streams: Whether to end when a replayed recording has ended.

    Raises:
        CrampwatchError: The collector cannot run.
    """
    folder = DataFolder(settings.data)
    folder.create()
    options = CollectorOptions(
        broker_address(settings, "collector"),
        settings.data,
        adapter=settings.collector.adapter or None,
        sensors=settings.collector.sensors,
        placements={**load_page_placements(folder.page), **parse_placements(settings.collector.placements)},
        speed=speed,
        start_utc_ns=start_utc_ns,
        ends_with_streams=ends_with_streams,
        software=f"crampwatch {version_text()}",
        client_id=folder.client_id("collector"),
    )
    run_service("collector", settings, lambda stop: run(options, stop=stop))
