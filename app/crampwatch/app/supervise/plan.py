"""What `demo`, `wear` and `replay` start: each stage's command line, environment and order of ending. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

from crampwatch.app.config.data_folder import DataFolder
from crampwatch.app.config.resolve import environment_of
from crampwatch.app.config.settings import OpsSettings, ServerSettings, Settings
from crampwatch.app.runtime.supervised import PROGRAM
from crampwatch.app.supervise.supervisor import Stage
from crampwatch.protocol.kinds import Origin

__all__ = ["Mode", "Plan"]

Mode = Literal["demo", "wear", "replay"]
_ANY_PORT: Final = "127.0.0.1:0"
_OPS_ORDER: Final = ("broker", "collector", "detector", "store", "web", "home")
"""Stages in the order of their ports for /healthz and /metrics, counted from ``--ops-port``; documented for users."""
# The collector ends first, so that its last records still reach the other stages; the broker ends last, since all
# others publish that they are offline when they end.
_COLLECTOR_RANK, _OTHERS_RANK, _BROKER_RANK = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Plan:
    """One run of the whole pipeline.

    Attributes:
        mode: Name of the command.
        settings: As resolved, with the data folder of this run.
        simulate: Arguments for `crampwatch simulate`; empty where real sensors are worn.
        speed: How many times faster than real time simulated sensors send.
        duration_s: Stop after this long, counted from the first sample where sensors are simulated (a slow start is
            not part of it) and from the start of the stages otherwise; None for no limit.
        ends_with_recording: Whether to stop when the recording has been played.
        start_utc_ns: UTC of the first sample of a replay; None for now.
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
        """The data folder of this run."""
        return DataFolder(self.settings.data)

    @property
    def origin(self) -> Origin:
        """Whether the data is live, simulated or replayed."""
        return {"demo": Origin.DEMO, "wear": Origin.LIVE, "replay": Origin.REPLAY}[self.mode]

    @property
    def runs_until_stopped(self) -> bool:
        """Whether only the user ends the run."""
        return self.duration_s is None and not self.ends_with_recording

    def broker(self) -> Stage:
        """Return the embedded broker; it serves this run alone: only this machine can connect, without TLS."""
        private = replace(self.settings, server=ServerSettings())
        return self._stage("broker", private, announces=True, rank=_BROKER_RANK)

    def simulator(self, address: str | None = None) -> Stage:
        """Return the simulated sensors; `address` is that of their virtual radio, None to choose a free port."""
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
        """Return the stages that follow the collector: detector, store, page, and Home Assistant where enabled."""
        names = ("detector", "store", *(["home"] if self.settings.home.tell else []))
        return (*(self._stage(name, self.settings, rank=_OTHERS_RANK) for name in names), self.page())

    def page(self, port: int | None = None) -> Stage:
        """Return the page; `port` overrides that of the settings, so that a restart keeps the address."""
        web = self.settings.web if port is None else replace(self.settings.web, port=port)
        return self._stage("web", replace(self.settings, web=web), rank=_OTHERS_RANK)

    def final_analysis(self) -> Stage:
        """Return `crampwatch finalise`, a program that runs once and is not restarted."""
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
            (*PROGRAM, name, *arguments),
            self.folder.logs / f"{name}.err",
            _environment(replace(settings, ops=self._ops_settings(name))),
            announces=announces,
            may_end=may_end,
            rank=rank,
        )

    def _ops_settings(self, name: str) -> OpsSettings:
        """Return where a stage serves /healthz and /metrics: each stage has a port of its own."""
        ops = self.settings.ops
        return replace(ops, port=ops.port + _OPS_ORDER.index(name) if ops.port and name in _OPS_ORDER else 0)


def _environment(settings: Settings) -> Mapping[str, str]:
    """Return all settings as variables: a child resolves them as we did, and no secret is on a command line."""
    absolute = replace(settings, data=Path(settings.data).resolve())
    return {**environment_of(absolute), "PYTHONUNBUFFERED": "1"}
