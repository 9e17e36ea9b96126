"""What `crampwatch calibrate` says on a terminal."""

import asyncio
import math
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import click
from crampwatch.app.calibration.calibrate import calibrate_live, calibrate_recording, calibrate_session
from crampwatch.app.calibration.guide import INSTRUCTIONS, Moment
from crampwatch.app.cli.reader_options import ReaderOptions
from crampwatch.app.config.data_folder import DataFolder
from crampwatch.app.config.settings import Settings
from crampwatch.app.sessions.find import is_session
from crampwatch.detector.calibration.calibration import Calibration, Phase, encode
from crampwatch.detector.service.calibration_files import CalibrationFolder
from crampwatch.protocol.errors import ConfigurationError, UnavailableError

__all__ = ["live", "of_file"]

Given = Mapping[str, tuple[float, float] | None]
_BAR: Final = 24
_CLEAR: Final = "\r\x1b[K"


def live(settings: Settings, *, sensor: str | None, phase_s: float, spans: Given) -> None:
    """Lead through a calibration, keep it in the data folder, and tell what it holds.

    Raises:
        CrampwatchError: Nothing is heard, or it would mislead.
    """
    if any(spans.values()):
        raise ConfigurationError("--rest, --curl and --ankle are for files.", advice="Name a file, or leave them out.")
    talk = _Talk()
    calibration = asyncio.run(calibrate_live(settings, sensor=sensor, phase_s=phase_s, show=talk.show))
    talk.end()
    _keep(settings, calibration)


def of_file(
    settings: Settings, path: Path, options: ReaderOptions, *, sensor: str | None, spans: Given, out: Path | None
) -> None:
    """Make a calibration of a file: of a session for its sensor, of a recording into a file beside it.

    Raises:
        CrampwatchError: It cannot be read or written, or would mislead.
    """
    known = {Phase(name): span for name, span in spans.items() if span is not None}
    if Phase.REST not in known or Phase.CURL not in known:
        raise ConfigurationError(
            "A file does not tell when the wearer did what.", advice="Say it: --rest 2-20 --curl 20-40 --ankle 40-60."
        )
    if is_session(path):
        _keep(settings, calibrate_session(path, known, sensor=sensor))
        return
    calibration = calibrate_recording(path, options, known)
    place = out or path.with_name(f"{path.name}.calibration.json")
    try:
        place.write_bytes(encode(calibration))
    except OSError as error:
        raise UnavailableError(f"{place} cannot be written: {error.strerror or error}.") from error
    _tell(calibration, place)


def _keep(settings: Settings, calibration: Calibration) -> None:
    _tell(calibration, CalibrationFolder(DataFolder(settings.data).calibrations).save(calibration))


def _tell(calibration: Calibration, place: Path) -> None:
    click.echo(f"Calibration {calibration.name}, kept in {place}.")
    unit = "uV" if calibration.unit == "uV" else "(scale unknown)"
    for number, channel in enumerate(calibration.channels, 1):
        said = [f"rest {channel.rest:.3g} {unit}"]
        said += [] if channel.curl is None else [f"toe curl {channel.curl:.3g} {unit}"]
        said += ["hardest effort unknown"] if channel.own is None else [f"hardest effort {channel.own:.3g} {unit}"]
        click.echo(f"  channel {number}: {', '.join(said)}")
    click.echo(f"The toe curls are clearest on channel {calibration.toe_channel + 1}.")


class _Talk:
    """Says each phase once, and shows on a terminal what is seen meanwhile."""

    def __init__(self) -> None:
        self._said: set[tuple[str, bool]] = set()

    def show(self, moment: Moment) -> None:
        """Show a moment."""
        is_on = moment.ready_in_s <= 0.0
        if (moment.phase.value, is_on) not in self._said:
            self._said.add((moment.phase.value, is_on))
            self._line("Now." if is_on else f"In a moment: {INSTRUCTIONS[moment.phase]}")
        if sys.stdout.isatty():
            left_s = moment.left_s if is_on else moment.ready_in_s
            bars = "  ".join(_bar(level) for level in moment.level.tolist())
            click.echo(f"{_CLEAR}{math.ceil(left_s):3d} s  {bars}", nl=False)

    def end(self) -> None:
        """Make room for the outcome."""
        self._line("Done: thank you.")

    def _line(self, text: str) -> None:
        click.echo(f"{_CLEAR if sys.stdout.isatty() else ''}{text}")


def _bar(level: float) -> str:
    """Return a level as a bar over four decades, from 0.5 on."""
    known = math.isfinite(level) and level > 0.0
    filled = round(_BAR * min(max(math.log10(level / 0.5) / 3.5, 0.0), 1.0)) if known else 0
    return f"{'#' * filled}{'.' * (_BAR - filled)} {level:6.1f}" if known else f"{'.' * _BAR}    ---"
