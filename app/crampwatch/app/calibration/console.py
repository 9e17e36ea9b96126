"""`crampwatch calibrate` on a terminal: instructions, levels while they are measured, and the result."""

import asyncio
import math
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import click
from crampwatch.app.calibration.calibrate import calibrate_live, calibrate_recording, calibrate_session
from crampwatch.app.calibration.guide import INSTRUCTIONS, GuideStep
from crampwatch.app.cli.reader_options import ReaderOptions
from crampwatch.app.config.data_folder import DataFolder
from crampwatch.app.config.settings import Settings
from crampwatch.app.sessions.find import is_session
from crampwatch.detector.calibration.calibration import Calibration, Phase, encode
from crampwatch.detector.service.calibration_files import CalibrationFolder
from crampwatch.protocol.errors import ConfigurationError, UnavailableError

__all__ = ["calibrate_file", "calibrate_on_terminal"]

SpanFlags = Mapping[str, tuple[float, float] | None]
_BAR_WIDTH: Final = 24
_SHORTEST_BAR: Final = 0.5
_BAR_DECADES: Final = 3.5
"""From 0.5 to 1600 uV, the range of surface EMG."""
_CLEAR_LINE: Final = "\r\x1b[K"


def calibrate_on_terminal(settings: Settings, *, sensor: str | None, phase_s: float, spans: SpanFlags) -> None:
    """Guide the wearer through a calibration with a running sensor, save it in the data folder, and print it.

    Raises:
        CrampwatchError: No sensor sends, or the calibration is refused.
    """
    if any(spans.values()):
        raise ConfigurationError(
            "--rest, --curl and --ankle need a FILE.", advice="Name a FILE, or leave them out to calibrate live."
        )
    screen = _GuideScreen()
    calibration = asyncio.run(calibrate_live(settings, sensor=sensor, phase_s=phase_s, show=screen.show))
    screen.close()
    _save(settings, calibration)


def calibrate_file(
    settings: Settings, path: Path, options: ReaderOptions, *, sensor: str | None, spans: SpanFlags, out: Path | None
) -> None:
    """Calibrate from a file, and print the calibration.

    That of a session belongs to its sensor and is saved in the data folder; that of a recording belongs to no sensor
    and is written to `out`, or beside the recording.

    Raises:
        CrampwatchError: A file cannot be read or written, or the calibration is refused.
    """
    given = {Phase(name): span for name, span in spans.items() if span is not None}
    if Phase.REST not in given or Phase.CURL not in given:
        raise ConfigurationError(
            "A file does not state when the wearer did what.",
            advice="Give the seconds, for example: --rest 2-20 --curl 20-40 --ankle 40-60.",
        )
    if is_session(path):
        _save(settings, calibrate_session(path, given, sensor=sensor))
        return
    calibration = calibrate_recording(path, options, given)
    place = out or path.with_name(f"{path.name}.calibration.json")
    try:
        place.write_bytes(encode(calibration))
    except OSError as error:
        raise UnavailableError(
            f"{place} cannot be written: {error.strerror or error}.", advice="Choose another file by --out."
        ) from error
    _print_calibration(calibration, place)


def _save(settings: Settings, calibration: Calibration) -> None:
    _print_calibration(calibration, CalibrationFolder(DataFolder(settings.data).calibrations).save(calibration))


def _print_calibration(calibration: Calibration, place: Path) -> None:
    click.echo(f"Calibration {calibration.name} saved in {place}.")
    unit = "uV" if calibration.unit == "uV" else "(scale unknown)"
    for number, channel in enumerate(calibration.channels, 1):
        levels = [f"rest {channel.rest:.3g} {unit}"]
        levels += [] if channel.curl is None else [f"toe curl {channel.curl:.3g} {unit}"]
        levels += ["hardest effort unknown"] if channel.own is None else [f"hardest effort {channel.own:.3g} {unit}"]
        click.echo(f"  channel {number}: {', '.join(levels)}")
    click.echo(f"The toe curls are clearest on channel {calibration.toe_channel + 1}.")


class _GuideScreen:
    """Prints each instruction once and, on a terminal, the time left and the level of each channel."""

    def __init__(self) -> None:
        self._printed: set[tuple[str, bool]] = set()

    def show(self, step: GuideStep) -> None:
        """Show the present step; called several times per second."""
        is_on = step.ready_in_s <= 0.0
        if (step.phase.value, is_on) not in self._printed:
            self._printed.add((step.phase.value, is_on))
            self._print_line("Now." if is_on else f"Next: {INSTRUCTIONS[step.phase]}")
        if sys.stdout.isatty():
            left_s = step.left_s if is_on else step.ready_in_s
            bars = "  ".join(_bar(level) for level in step.level.tolist())
            click.echo(f"{_CLEAR_LINE}{math.ceil(left_s):3d} s  {bars}", nl=False)

    def close(self) -> None:
        """End the line of levels."""
        self._print_line("Done. Thank you.")

    def _print_line(self, text: str) -> None:
        click.echo(f"{_CLEAR_LINE if sys.stdout.isatty() else ''}{text}")


def _bar(level: float) -> str:
    """Return a level as a logarithmic bar with its number."""
    is_known = math.isfinite(level) and level > 0.0
    filled = round(_BAR_WIDTH * min(max(math.log10(level / _SHORTEST_BAR) / _BAR_DECADES, 0.0), 1.0)) if is_known else 0
    return f"{'#' * filled}{'.' * (_BAR_WIDTH - filled)} {level:6.1f}" if is_known else f"{'.' * _BAR_WIDTH}    ---"
