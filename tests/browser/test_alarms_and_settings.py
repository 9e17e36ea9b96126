"""Alarms, the bedtime check and the settings in real Chromium, with the real server; every view before axe-core."""

import json
import time
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from crampwatch.protocol.kinds import EpisodeKind, Quality
from crampwatch.protocol.reasons import Reason, ReasonCode
from lanes.axe import violations
from lanes.chromium import open_chromium, resize
from nights.foot_messages import Foot
from nights.page_actions import click, is_shown, text_of, wait_for_text, wait_until
from nights.page_stage import Stage
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By

SECOND_NS = 1_000_000_000


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    driver = open_chromium(tmp_path_factory.mktemp("chromium"))
    driver.set_script_timeout(30)
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One server for all: starting a broker, a server and a page takes longer than most tests here."""
    with Stage(tmp_path_factory.mktemp("stage")) as stage:
        yield stage


@pytest.fixture(scope="module")
def left(stage: Stage) -> Foot:
    return begun(stage, "cw-left", "left", hours=26)


@pytest.fixture(scope="module")
def right(stage: Stage, left: Foot) -> Foot:
    del left  # the left one first, as it is shown
    return begun(stage, "cw-right", "right", hours=26)


def begun(stage: Stage, name: str, side: str, *, hours: int) -> Foot:
    foot = Foot(name, side=side, start_ns=time.time_ns() - 20 * SECOND_NS)
    stage.publish(foot.info(), foot.state("rest"), foot.temperature(31.4), foot.battery(82, hours=hours), foot.link())
    stage.publish_samples(foot, 12)
    stage.play(foot)
    return foot


@pytest.fixture
def page(stage: Stage, browser: Chrome, left: Foot, right: Foot) -> Iterator[Chrome]:
    """A live page of two feet at rest."""
    del left, right
    resize(browser, 1280, 800)
    browser.get(stage.server.url)
    wait_until(browser, lambda: len(browser.find_elements(By.CSS_SELECTOR, ".foot[data-stale=false] canvas")) >= 8)
    yield browser
    browser.execute_script("localStorage.clear()")
    browser.get("about:blank")


def get_json(stage: Stage, path: str) -> Any:
    with urllib.request.urlopen(f"{stage.server.url}api/v1/{path}", timeout=30) as answer:
        return json.load(answer)


def test_a_snooze_silences_every_page_and_survives_a_killed_server(stage: Stage, page: Chrome, left: Foot) -> None:
    stage.publish(left.episode("snooze", ago_s=4), left.state("cramp"))
    wait_for_text(page, ".banner", "Likely cramp — left arch")
    click(page, ".banner .snooze summary")
    click(page, ".banner .snooze .choices button:nth-child(2)")
    wait_for_text(page, ".snoozes", "Likely cramp: alarms snoozed until")
    wait_for_text(page, ".banner[data-snoozed=true]", "snoozed")
    until_ns = get_json(stage, "alarms")["snoozed"]["cramp"]
    assert 3500e9 < until_ns - time.time_ns() < 3600e9
    stage.server.kill()
    wait_for_text(page, ".trouble", "Connection to crampwatch lost")
    stage.server.start()
    page.refresh()
    wait_for_text(page, ".snoozes", "snoozed until")
    assert get_json(stage, "alarms")["snoozed"]["cramp"] == until_ns
    click(page, ".snoozes button")
    wait_until(page, lambda: not is_shown(page, ".snoozes"))
    stage.publish(left.episode("snooze", ago_s=6, lasts_s=6, revision=1, status="closed"), left.state("rest"))
    wait_for_text(page, ".banner[data-phase=eased]", "Likely cramp over")
    click(page, ".banner button")
    assert not is_shown(page, ".banner")


def test_a_snooze_does_not_hide_a_lost_sensor(stage: Stage, page: Chrome, right: Foot) -> None:
    page.execute_script(
        "return fetch('/api/v1/alarms/snooze', {method: 'POST', headers: {'X-Crampwatch': '1'},"
        " body: JSON.stringify({kind: 'cramp', seconds: 600})})"
    )
    wait_for_text(page, ".snoozes", "Sensor problems still alert you")
    stage.pause(right)
    wait_for_text(page, ".faults [data-fault=lost]", "Right foot: sensor lost since")
    assert "reconnects automatically" in text_of(page, ".faults")
    spoken = [alert.get_attribute("textContent") for alert in page.find_elements(By.CSS_SELECTOR, "[role=alert]")]
    assert any("Right foot: sensor lost" in str(text) for text in spoken)
    right.skip(12)
    stage.play(right)
    wait_until(page, lambda: not is_shown(page, ".faults"))
    click(page, ".snoozes button")


def test_an_acknowledgement_reaches_every_page(stage: Stage, page: Chrome, left: Foot) -> None:
    stage.publish(left.episode("seen", ago_s=4), left.state("cramp"))
    click(page, ".banner[data-acknowledged=false] button")
    wait_until(page, lambda: get_json(stage, "alarms")["acknowledged"][-1:] == ["cw-left-seen"])
    page.refresh()
    wait_for_text(page, ".banner[data-acknowledged=true]", "acknowledged")
    stage.publish(left.episode("seen", ago_s=5, lasts_s=5, revision=1, status="retracted"), left.state("rest"))
    wait_until(page, lambda: not is_shown(page, ".banner"))


def test_an_electrode_off_is_shown_as_a_sensor_problem(stage: Stage, page: Chrome, left: Foot) -> None:
    stage.publish(left.state("off_body"))
    wait_for_text(page, ".faults [data-fault=contact]", "Left foot: an electrode is off")
    stage.publish(left.state("rest"))
    wait_until(page, lambda: not is_shown(page, ".faults"))


def test_other_kinds_can_raise_an_alarm(stage: Stage, page: Chrome, left: Foot) -> None:
    page.get(f"{stage.server.url}#/settings")
    click(page, ".calls input[value=rhythmic]")
    wait_until(page, lambda: get_json(stage, "alarms")["calls"] == ["cramp", "rhythmic"])
    stage.publish(left.episode("rhythm", EpisodeKind.RHYTHMIC, ago_s=4))
    wait_for_text(page, ".banner", "Rhythmic movement — left arch")
    assert not is_shown(page, ".relief")
    click(page, ".calls input[value=rhythmic]")
    wait_until(page, lambda: not is_shown(page, ".banner"))
    stage.publish(left.episode("rhythm", EpisodeKind.RHYTHMIC, ago_s=9, lasts_s=9, revision=1, status="closed"))


def test_the_bedtime_check_lists_problems_and_starts_the_night(
    stage: Stage, page: Chrome, left: Foot, right: Foot
) -> None:
    stage.publish(right.battery(30, hours=1))
    click(page, ".bedtime button.quiet")
    wait_for_text(page, ".checks li:nth-child(1)", "Left foot, Right foot: electrodes fit well.")
    wait_for_text(page, ".checks li:nth-child(2)[data-level=warn]", "May not last until")
    wait_for_text(page, ".checks li:nth-child(5)[data-level=good]", "Room for")
    wait_for_text(page, ".checks li:nth-child(6)[data-level=good]", "In sync with the recorder")
    stage.publish(right.battery(82, hours=26), left.state("rest", (Quality.LEAD_OFF,), ()))
    wait_for_text(page, ".checks li:nth-child(2)[data-level=good]", "lasts until")
    wait_for_text(page, ".checks li:nth-child(1)[data-level=warn]", "Poor or no contact: Left foot")
    stage.publish(left.state("rest"))
    wait_for_text(page, ".checks li:nth-child(7)[data-level=warn]", "Off on this device")
    click(page, ".bedside [data-switch=sound]")
    click(page, ".bedside .buttons button:nth-child(2)")
    wait_until(
        page,
        lambda: not is_shown(page, ".checks li:nth-child(7)") or "Off" not in text_of(page, ".checks li:nth-child(7)"),
    )
    page.execute_script("arguments[0].click()", page.find_element(By.CSS_SELECTOR, ".bedside [data-switch=redAtNight]"))
    assert violations(page) == []
    click(page, ".bedside .primary")
    wait_for_text(page, ".bedtime", "Night since")
    assert get_json(stage, "alarms")["night_ns"] is not None
    assert page.execute_script("return document.documentElement.dataset.theme") == "night"
    page.refresh()
    wait_for_text(page, ".bedtime", "Night since")
    click(page, ".bedtime button:last-child")
    wait_until(page, lambda: get_json(stage, "alarms")["night_ns"] is None)
    wait_until(page, lambda: page.execute_script("return document.documentElement.dataset.theme") == "dark")
    wait_until(page, lambda: page.current_url.endswith("#/night"))


def test_a_sensor_is_named_and_placed(stage: Stage, page: Chrome) -> None:
    page.get(f"{stage.server.url}#/settings")
    card = ".sensor[data-sensor=cw-left]"
    wait_until(page, lambda: page.find_element(By.CSS_SELECTOR, f"{card} select").get_property("value") == "left")
    assert is_shown(page, f"{card} .placement .electrode")
    picture = page.find_element(By.CSS_SELECTOR, f"{card} .placement").get_attribute("aria-label")
    assert picture == "Left. Seen from below, with the electrodes on the muscle"
    page.execute_script(
        "const [s] = arguments; s.value = 'gastrocnemius'; s.dispatchEvent(new Event('input', {bubbles: true}))",
        page.find_element(By.CSS_SELECTOR, f"{card} label:nth-of-type(3) select"),
    )
    click(page, f"{card} button.primary")
    wait_for_text(page, f"{card} [role=status]", "Saved.")
    page.get(f"{stage.server.url}#/live")
    wait_for_text(page, ".foot[data-sensor=cw-left] .place", "calf")
    page.get(f"{stage.server.url}#/settings")
    click(page, f"{card} .buttons button:last-child")
    wait_until(
        page, lambda: page.find_elements(By.CSS_SELECTOR, f"{card} select")[1].get_property("value") != "gastrocnemius"
    )


def test_the_settings_show_disk_versions_thresholds_and_health(stage: Stage, page: Chrome) -> None:
    page.get(f"{stage.server.url}#/settings")
    wait_for_text(page, ".nights", "more nights")
    for shown_there in ("at least 2 times as strong as at rest", "Nothing leaves this machine", "Only this machine",
                       "Message broker", "Python", str(stage.server.data)):  # fmt: skip
        wait_for_text(page, ".settings", shown_there)


def test_the_page_is_available_in_german(stage: Stage, page: Chrome) -> None:
    page.execute_script("localStorage.setItem('crampwatch.language', 'de')")
    page.get(f"{stage.server.url}#/settings")
    page.refresh()
    wait_for_text(page, ".settings", "Wie ein wahrscheinlicher Krampf erkannt wird")
    assert page.execute_script("return document.documentElement.lang") == "de"
    page.get(f"{stage.server.url}#/live")
    wait_for_text(page, ".foot h2", "Linker Fuß")
    wait_for_text(page, ".foot .place", "Fußgewölbe")


@pytest.mark.parametrize("theme", ["dark", "light", "night"])
def test_axe_finds_no_violations(stage: Stage, page: Chrome, left: Foot, theme: str) -> None:
    page.execute_script("localStorage.setItem('crampwatch.theme', arguments[0])", theme)
    stage.publish(
        left.episode(f"axe-{theme}", ago_s=4), left.state("cramp"), left.notice("lead_off", "An electrode is off.")
    )
    page.refresh()
    wait_for_text(page, ".banner", "Likely cramp")
    page.execute_script("document.getAnimations().forEach(one => one.finish())")
    assert violations(page) == []
    stage.publish(left.episode(f"axe-{theme}", ago_s=5, lasts_s=5, revision=1, status="retracted"), left.state("rest"))
    page.get(f"{stage.server.url}#/settings")
    wait_for_text(page, ".nights", "more nights")
    assert violations(page) == []


@pytest.mark.parametrize("width", [320, 390])
def test_a_phone_shows_settings_and_bedtime_without_scrolling_sideways(stage: Stage, page: Chrome, width: int) -> None:
    resize(page, width, 700)
    click(page, ".bedtime button.quiet")
    wait_for_text(page, ".checks", "Contact")
    assert page.execute_script("return document.querySelector('.bedside').scrollWidth") <= width
    click(page, ".bedside .buttons button:last-child")
    page.get(f"{stage.server.url}#/settings")
    wait_for_text(page, ".nights", "more nights")
    assert page.execute_script("return document.documentElement.scrollWidth") <= width
    small = page.execute_script(
        "return [...document.querySelectorAll('button, select, nav a')].filter(e => e.checkVisibility()"
        " && e.getBoundingClientRect().height < 36).map(e => e.outerHTML)"
    )
    assert small == []


@pytest.mark.parametrize("language", ["en", "de"])
def test_two_alarms_at_once_fit_the_narrowest_phone(
    stage: Stage, page: Chrome, left: Foot, right: Foot, language: str
) -> None:
    resize(page, 320, 640)
    page.execute_script("localStorage.setItem('crampwatch.language', arguments[0])", language)
    page.refresh()
    feet = (left, right)
    stage.publish(*(foot.episode(f"both-{language}", ago_s=4) for foot in feet))
    wait_until(page, lambda: len(page.find_elements(By.CSS_SELECTOR, ".banner[data-phase=on]")) == 2)
    page.execute_script("document.getAnimations().forEach(one => one.finish())")
    beyond = page.execute_script(
        "const end = e => e.getBoundingClientRect().right;"
        "return [...document.querySelectorAll('.banner *')].filter(e => e.checkVisibility()"
        " && end(e) > end(e.closest('.banner'))).map(e => e.outerHTML)"
    )
    assert beyond == []
    assert page.execute_script("return document.documentElement.scrollWidth") <= 320
    for foot in feet:
        stage.publish(foot.episode(f"both-{language}", ago_s=5, lasts_s=5, revision=1, status="retracted"))
    wait_until(page, lambda: not is_shown(page, ".banner[data-phase=on]"))


def test_what_the_server_sends_is_shown_in_german(stage: Stage, page: Chrome, left: Foot) -> None:
    page.execute_script("localStorage.setItem('crampwatch.language', 'de')")
    page.refresh()
    why = (Reason(code=ReasonCode.BUILT_UP, number=1.25), Reason(code="telepathy"))
    stage.publish(
        left.episode("german", EpisodeKind.TWITCH, status="closed", ago_s=1, lasts_s=0.5, why=why),
        left.notice("sensor_back", "cw-left is connected again."),
    )
    wait_for_text(page, ".notices", "Fußgewölbe links: Der Sensor ist wieder verbunden.")
    click(page, "[data-episode=cw-left-german] summary")
    wait_for_text(page, "[data-episode=cw-left-german] .why", "Es baute sich über 1,3 s auf.")
    assert "is connected again" not in text_of(page)
    refused = page.execute_script(
        "return fetch('/api/v1/nights/2000-01-01').then(answer => answer.json()).then(problem => problem.code)"
    )
    assert refused == "no_night"
    page.get(f"{stage.server.url}#/night/2000-01-01")
    wait_for_text(page, ".night .waiting", "Diese Nacht gibt es nicht.")
    assert "There is no such night" not in text_of(page)


_NOT_RED = """
const found = new Set();
for (const e of document.querySelectorAll('body, body *')) {
  if (!e.checkVisibility()) continue;
  const style = getComputedStyle(e);
  for (const name of ['color', 'backgroundColor', 'borderTopColor', 'borderLeftColor', 'fill', 'stroke']) {
    const [, green, blue, alpha] = (style[name].match(/[\\d.]+/g) ?? [0, 0, 0, 0]).map(Number);
    if ((green || blue) && alpha !== 0) found.add(`${e.tagName}.${e.className} ${name} ${style[name]}`);
  }
}
for (const canvas of document.querySelectorAll('canvas')) {
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  for (let i = 0; i < data.length; i += 4)
    if (data[i + 3] && (data[i + 1] || data[i + 2])) { found.add('canvas'); break; }
}
return [...found];
"""


def test_the_red_theme_has_no_green_and_no_blue_light(stage: Stage, page: Chrome, left: Foot) -> None:
    page.execute_script("localStorage.setItem('crampwatch.theme', 'night')")
    page.refresh()
    stage.publish(left.episode("red", ago_s=4), left.state("cramp"))
    wait_for_text(page, ".banner", "Likely cramp")
    wait_until(page, lambda: len(page.find_elements(By.CSS_SELECTOR, ".foot[data-stale=false] canvas")) >= 8)
    assert page.execute_script(_NOT_RED) == []
    stage.publish(left.episode("red", ago_s=6, lasts_s=6, revision=1, status="closed"), left.state("rest"))
    click(page, ".bedtime button.quiet")
    wait_for_text(page, ".checks", "Contact")
    assert page.execute_script(_NOT_RED) == []
    click(page, ".bedside .buttons button:last-child")
    page.get(f"{stage.server.url}#/settings")
    wait_for_text(page, ".nights", "more nights")
    assert page.execute_script(_NOT_RED) == []
