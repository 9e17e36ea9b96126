"""What a run starts: command lines, environments, ports and the order of ending."""

from dataclasses import replace
from pathlib import Path

import pytest
from crampwatch.app.config.settings import (
    BrokerSettings,
    CollectorSettings,
    HomeSettings,
    OpsSettings,
    ServerSettings,
    Settings,
    WebSettings,
)
from crampwatch.app.supervise.plan import Mode, Plan
from crampwatch.app.supervise.run import with_subfolder
from crampwatch.protocol.kinds import Origin


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return replace(Settings(), data=tmp_path)


def test_the_collector_ends_first_and_the_broker_last(settings: Settings) -> None:
    plan = Plan("demo", settings, simulate=("--seed", "1"))
    ranks = {stage.name: stage.rank for stage in (plan.broker(), plan.simulator(), plan.collector("x:1"))}
    ranks |= {stage.name: stage.rank for stage in plan.followers()}
    assert ranks == {"collector": 0, "simulate": 1, "detector": 1, "store": 1, "web": 1, "broker": 2}


def test_home_assistant_is_followed_only_if_enabled(settings: Settings) -> None:
    assert [one.name for one in Plan("wear", settings).followers()] == ["detector", "store", "web"]
    with_home = replace(settings, home=HomeSettings(tell=True))
    assert [one.name for one in Plan("wear", with_home).followers()] == ["detector", "store", "home", "web"]


def test_each_stage_has_its_own_port_for_health_and_none_without_ops_port(settings: Settings) -> None:
    plan = Plan("wear", replace(settings, ops=OpsSettings(port=9000), home=HomeSettings(tell=True)))
    stages = (plan.broker(), plan.collector(None), *plan.followers())
    ports = {stage.name: stage.environment["CRAMPWATCH_OPS_PORT"] for stage in stages}
    assert ports == {
        "broker": "9000", "collector": "9001", "detector": "9002", "store": "9003", "web": "9004", "home": "9005",
    }  # fmt: skip
    assert plan.final_analysis().environment["CRAMPWATCH_OPS_PORT"] == "0"
    assert Plan("wear", settings).collector(None).environment["CRAMPWATCH_OPS_PORT"] == "0"


def test_a_virtual_radio_replaces_adapter_and_sensors(settings: Settings) -> None:
    worn = replace(settings, collector=CollectorSettings(adapter="hci1", sensors=("CW-1",)))
    virtual = Plan("demo", worn).collector("127.0.0.1:5").environment
    assert virtual["CRAMPWATCH_COLLECTOR_ADAPTER"] == "bumble:tcp-client:127.0.0.1:5"
    assert virtual["CRAMPWATCH_COLLECTOR_SENSORS"] == ""
    real = Plan("wear", worn).collector(None).environment
    assert (real["CRAMPWATCH_COLLECTOR_ADAPTER"], real["CRAMPWATCH_COLLECTOR_SENSORS"]) == ("hci1", "CW-1")


def test_a_replay_ends_with_the_recording_and_can_start_at_a_given_time(settings: Settings) -> None:
    plan = Plan("replay", settings, speed=2.5, ends_with_recording=True, start_utc_ns=7)
    collector = plan.collector("x:1")
    assert collector.may_end
    assert collector.command[-6:] == ("collector", "--speed", "2.5", "--ends-with-streams", "--start-utc-ns", "7")
    assert not Plan("wear", settings).collector(None).may_end


def test_a_run_without_an_end_runs_until_stopped(settings: Settings) -> None:
    assert Plan("wear", settings).runs_until_stopped
    assert not Plan("wear", settings, duration_s=1.0).runs_until_stopped
    assert not Plan("replay", settings, ends_with_recording=True).runs_until_stopped


@pytest.mark.parametrize(("mode", "origin"), [("demo", Origin.DEMO), ("wear", Origin.LIVE), ("replay", Origin.REPLAY)])
def test_only_wear_is_live(settings: Settings, mode: Mode, origin: Origin) -> None:
    assert Plan(mode, settings).origin == origin


def test_a_restarted_page_and_simulator_keep_their_addresses(settings: Settings) -> None:
    plan = Plan("demo", replace(settings, web=WebSettings(port=0)))
    assert plan.page().environment["CRAMPWATCH_WEB_PORT"] == "0"
    assert plan.page(8043).environment["CRAMPWATCH_WEB_PORT"] == "8043"
    assert "127.0.0.1:0" in plan.simulator().command
    assert "127.0.0.1:41001" in plan.simulator("127.0.0.1:41001").command


def test_the_broker_of_a_run_is_private_whatever_the_settings_say(settings: Settings) -> None:
    public = replace(settings, server=ServerSettings(host="0.0.0.0", users="users.toml"))
    environment = Plan("wear", public).broker().environment
    assert (environment["CRAMPWATCH_SERVER_HOST"], environment["CRAMPWATCH_SERVER_USERS"]) == ("127.0.0.1", "")


def test_no_secret_is_on_a_command_line(settings: Settings) -> None:
    plan = Plan("wear", replace(settings, broker=BrokerSettings(password="hush-hush")))
    stages = (plan.broker(), plan.collector(None), *plan.followers(), plan.final_analysis())
    assert all("hush-hush" not in " ".join(stage.command) for stage in stages)
    assert plan.collector(None).environment["CRAMPWATCH_BROKER_PASSWORD"] == "hush-hush"


def test_simulated_data_has_a_folder_of_its_own(settings: Settings) -> None:
    assert with_subfolder(settings, "demo").data == settings.data / "demo"
