"""What is started together for a demonstration, a night or a replay: stages, arguments, environment. Pure."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

from crampwatch.app.config.data_folder import DataFolder
from crampwatch.app.config.resolve import environment_of
from crampwatch.app.config.settings import OpsSettings, ServerSettings, Settings
from crampwatch.app.supervise.supervisor import Stage
from crampwatch.protocol.kinds import Origin

__all__ = ["Mode", "Plan"]

Mode = Literal["demo", "wear", "replay"]
_ANY_PORT: Final = "127.0.0.1:0"
# -P: a folder named crampwatch where the user happens to be is not ours.
_PROGRAM: Final = (sys.executable, "-P", "-m", "crampwatch.app")
_OPS_ORDER: Final = ("broker", "collector", "detector", "store", "web", "home")
_BROKER_RANK, _OTHERS_RANK, _COLLECTOR_RANK = 2, 1, 0


@dataclass(frozen=True, slots=True)
class Plan:
    """A run.

    Attributes:
        mode: Which.
        settings: With the data folder of the run.
        simulate: Arguments of the simulator; none where real sensors are worn.
        speed: Times faster than life.
        duration_s: Ends by itself after this long, counted from the first samples where they are simulated or replayed;
            None: not by the clock.
        ends_with_recording: Ends by itself when the recording has been played.
        start_utc_ns: What UTC shall be at the begin; None for now.
    """

    mode: Mode
    settings: Settings
    simulate: tuple[str, ...] = ()
    speed: float = 1.0
    duration_s: float | None = None
    ends_with_recording: bool = False
    start_utc_ns: int | None = None

    @property
    def folder(self) -> DataFolder:
        """Where it works."""
        return DataFolder(self.settings.data)

    @property
    def origin(self) -> Origin:
        """What the data of the run are."""
        return {"demo": Origin.DEMO, "wear": Origin.LIVE, "replay": Origin.REPLAY}[self.mode]

    @property
    def runs_until_stopped(self) -> bool:
        """Whether only a person ends it."""
        return self.duration_s is None and not self.ends_with_recording

    def broker(self) -> Stage:
        """Return the embedded broker, which serves this run alone: nobody but this machine, and no TLS."""
        private = replace(self.settings, server=ServerSettings())
        return self._stage("broker", private, announces=True, rank=_BROKER_RANK)

    def simulator(self, address: str | None = None) -> Stage:
        """Return the simulated sensors; once their radio's address is known, they keep it."""
        arguments = (*self.simulate, "--listen", address or _ANY_PORT, "--speed", f"{self.speed:g}")
        return self._stage("simulate", self.settings, *arguments, announces=True, rank=_OTHERS_RANK)

    def collector(self, radio: str | None) -> Stage:
        """Return the collector; `radio` is the address of the virtual radio, None for a real one."""
        settings = self.settings
        if radio is not None:
            adapter = f"bumble:tcp-client:{radio}"
            settings = replace(settings, collector=replace(settings.collector, adapter=adapter, sensors=()))
        arguments = ["--speed", f"{self.speed:g}"]
        if self.ends_with_recording:
            arguments.append("--ends-with-streams")
        if self.start_utc_ns is not None:
            arguments += ["--start-utc-ns", str(self.start_utc_ns)]
        return self._stage("collector", settings, *arguments, may_end=self.ends_with_recording, rank=_COLLECTOR_RANK)

    def followers(self) -> tuple[Stage, ...]:
        """Return detector, store and page, and who tells Home Assistant where that is wished."""
        names = ("detector", "store", *(["home"] if self.settings.home.tell else []))
        return (*(self._stage(name, self.settings, rank=_OTHERS_RANK) for name in names), self.page())

    def page(self, port: int | None = None) -> Stage:
        """Return the page; once its port is known, it keeps it."""
        web = self.settings.web if port is None else replace(self.settings.web, port=port)
        return self._stage("web", replace(self.settings, web=web), rank=_OTHERS_RANK)

    def finaliser(self) -> Stage:
        """Return the program that judges what has ended; it is run once, not kept."""
        return self._stage("finalise", self.settings, "--json")

    def _stage(
        self,
        name: str,
        settings: Settings,
        *arguments: str,
        announces: bool = False,
        may_end: bool = False,
        rank: int = 0,
    ) -> Stage:
        return Stage(
            name,
            (*_PROGRAM, name, *arguments),
            self.folder.logs / f"{name}.err",
            _environment(replace(settings, ops=self._ops(name))),
            announces=announces,
            may_end=may_end,
            rank=rank,
        )

    def _ops(self, name: str) -> OpsSettings:
        """Return where a stage may be asked how it is: each has a port of its own."""
        ops = self.settings.ops
        return replace(ops, port=ops.port + _OPS_ORDER.index(name) if ops.port and name in _OPS_ORDER else 0)


def _environment(settings: Settings) -> Mapping[str, str]:
    """Return all settings, so that a stage resolves to what we did; secrets are in no argument."""
    absolute = replace(settings, data=Path(settings.data).resolve())
    return {**environment_of(absolute), "PYTHONUNBUFFERED": "1"}
