"""The live page in real Chromium, with the real server and a real broker that speaks for made-up feet."""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import pytest
from crampwatch.protocol.kinds import EpisodeKind, Origin, Quality
from crampwatch.protocol.messages import ServiceStatus
from lanes.chromium import open_chromium, resize
from lanes.patience import on_this_machine
from nights.foot_messages import Foot
from nights.page_actions import is_shown, text_of, wait_for_text, wait_until
from nights.page_stage import Stage
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By

SECOND_NS = 1_000_000_000


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    driver = open_chromium(tmp_path_factory.mktemp("chromium"))
    yield driver
    driver.quit()


@pytest.fixture
def stage(tmp_path: Path, browser: Chrome) -> Iterator[Stage]:
    with Stage(tmp_path) as stage:
        resize(browser, 1280, 800)
        yield stage
        browser.get("about:blank")


@pytest.fixture
def foot() -> Foot:
    return Foot("cw-left", start_ns=time.time_ns() - 20 * SECOND_NS)


def begin(stage: Stage, foot: Foot, browser: Chrome) -> None:
    """Let a foot live, and the page show it."""
    stage.publish(foot.info(), foot.state("rest"), foot.temperature(31.4), foot.battery(82, hours=9), foot.link())
    stage.publish_samples(foot, 12)
    stage.play(foot)
    browser.get(stage.server.url)
    wait_until(browser, lambda: is_shown(browser, ".foot[data-stale=false] canvas"))


def test_a_large_screen_shows_waves_to_their_lowest_point(stage: Stage, foot: Foot, browser: Chrome) -> None:
    resize(browser, 1440, 900)
    begin(stage, foot, browser)
    cut = browser.execute_script(
        "const tall = e => e.getBoundingClientRect().height;"
        "return [...document.querySelectorAll('.plot')].map(e => tall(e.querySelector('canvas')) - tall(e))"
    )
    assert len(cut) == 4
    assert max(cut) <= 0.5


def silent_s(browser: Chrome) -> int:
    """Return for how long the foot has been silent, as the page says."""
    said = re.search(r"\((\d+):(\d\d)\)", text_of(browser, ".foot .stale"))
    return 60 * int(said[1]) + int(said[2]) if said else -1


def complaints(browser: Chrome, page_url: str) -> list[str]:
    """Return what the browser complained of on a page."""
    entries = browser.get_log("browser")  # type: ignore[no-untyped-call] # selenium's, all three
    return [entry["message"] for entry in entries if urlsplit(page_url).netloc in entry["message"]]


def painted(browser: Chrome) -> str:
    """Return the first canvas as a picture."""
    return str(browser.execute_script("return document.querySelector('.wave canvas').toDataURL()"))


def test_a_foot_at_rest_is_shown_live(stage: Stage, browser: Chrome, foot: Foot) -> None:
    begin(stage, foot, browser)
    for selector, text in {
        ".foot h2": "Left foot",
        ".foot .state": "At rest",
        ".foot .channel:nth-child(2) h3": "Big toe",
        "[data-vital=temperature]": "31.4 °C",
        "[data-vital=battery]": "lasts until",
        "[data-vital=link]": "nothing missing",
        ".channel .values": "threshold 10 µV",
        "footer": "Not a medical device",
    }.items():
        wait_for_text(browser, selector, text)
    before = painted(browser)
    wait_until(browser, lambda: painted(browser) != before)
    assert not is_shown(browser, ".origin")
    assert not is_shown(browser, ".banner")
    assert complaints(browser, stage.server.url) == []


def test_a_confirmed_cramp_is_unmistakable_and_can_be_acknowledged(stage: Stage, browser: Chrome, foot: Foot) -> None:
    begin(stage, foot, browser)
    stage.publish(foot.episode("a", EpisodeKind.LEG_MOVEMENT, ago_s=3))
    wait_for_text(browser, ".episodes", "Leg movement")
    assert not is_shown(browser, ".banner")
    stage.publish(foot.episode("a", ago_s=6, revision=1, status="updated"), foot.state("cramp"))
    wait_for_text(browser, ".banner[data-phase=on]", "Likely cramp — left arch")
    wait_for_text(browser, ".banner .timer", ":")
    wait_for_text(browser, ".relief", "Pull the toes slowly toward you")
    assert browser.title.startswith("Likely cramp")
    alert = browser.find_element(By.CSS_SELECTOR, "[role=alert]").get_attribute("textContent")
    assert alert == "Likely cramp, left arch."
    browser.find_element(By.CSS_SELECTOR, ".banner button").click()
    wait_until(browser, lambda: is_shown(browser, ".banner[data-acknowledged=true]"))
    wait_for_text(browser, ".banner", "acknowledged")
    stage.publish(foot.episode("a", ago_s=9, lasts_s=9, revision=2, status="closed"), foot.state("rest"))
    wait_for_text(browser, ".banner[data-phase=eased]", "Likely cramp over")
    assert not is_shown(browser, ".relief")
    wait_for_text(browser, ".episodes", "9.0 s")


def test_a_retracted_cramp_removes_its_banner_and_stays_in_the_list(stage: Stage, browser: Chrome, foot: Foot) -> None:
    begin(stage, foot, browser)
    stage.publish(foot.episode("a", ago_s=6))
    wait_for_text(browser, ".banner", "Likely cramp")
    stage.publish(foot.episode("a", ago_s=6, lasts_s=6, revision=1, status="retracted"))
    wait_until(browser, lambda: not is_shown(browser, ".banner"))
    wait_for_text(browser, ".episodes", "Withdrawn: Likely cramp")
    wait_for_text(browser, ".summary", "1 withdrawn.")


def test_a_silent_sensor_never_looks_live(stage: Stage, browser: Chrome, foot: Foot) -> None:
    begin(stage, foot, browser)
    stage.publish(foot.episode("a", ago_s=6), foot.state("cramp"))
    wait_for_text(browser, ".banner", "since")
    stage.pause(foot)
    paused_s = time.monotonic()
    wait_for_text(browser, ".foot .stale", "No data since")
    assert 2.0 < time.monotonic() - paused_s < on_this_machine(6.0)
    wait_for_text(browser, ".foot .state", "No data")
    wait_for_text(browser, ".banner", "still going on")
    assert "Good signal" not in text_of(browser, ".foot")
    foot.skip(5)
    stage.play(foot)
    wait_until(browser, lambda: not is_shown(browser, ".foot .stale"))


def test_a_page_opened_during_silence_shows_how_long_it_has_lasted(stage: Stage, browser: Chrome, foot: Foot) -> None:
    begin(stage, foot, browser)
    stage.pause(foot)
    wait_until(browser, lambda: silent_s(browser) >= 5)
    browser.refresh()
    wait_until(browser, lambda: silent_s(browser) >= 0)
    assert silent_s(browser) >= 5


@pytest.mark.parametrize(("origin", "mark"), [(Origin.DEMO, "SIMULATED DATA"), (Origin.REPLAY, "REPLAY")])
def test_simulated_and_replayed_data_is_marked(stage: Stage, browser: Chrome, origin: Origin, mark: str) -> None:
    foot = Foot("cw-left", start_ns=time.time_ns() - 20 * SECOND_NS, origin=origin)
    begin(stage, foot, browser)
    wait_for_text(browser, ".origin", mark)
    wait_for_text(browser, ".foot .badge", mark)


def test_the_quality_of_each_channel_is_shown(stage: Stage, browser: Chrome, foot: Foot) -> None:
    begin(stage, foot, browser)
    stage.publish(foot.state("poor_signal", (), (Quality.LEAD_OFF, Quality.MAINS)))
    wait_for_text(browser, ".channel:nth-child(1) .quality", "Good signal")
    wait_for_text(browser, ".channel:nth-child(2) .quality", "Electrode off, Mains hum")
    stage.publish(foot.notice("lead_off", "Left foot: an electrode has come off."))
    wait_for_text(browser, ".notices", "an electrode has come off")


@pytest.mark.parametrize("width", [320, 390, 430])
def test_a_phone_shows_everything_without_scrolling_sideways(
    stage: Stage, browser: Chrome, foot: Foot, width: int
) -> None:
    resize(browser, width, 844)
    begin(stage, foot, browser)
    stage.publish(foot.episode("a", ago_s=6), foot.state("cramp"))
    wait_for_text(browser, ".banner", "Likely cramp")
    browser.find_element(By.CSS_SELECTOR, ".menu summary").click()
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    assert browser.execute_script(_CUT_OFF) == []
    button = browser.find_element(By.CSS_SELECTOR, ".banner button").rect
    assert button["height"] >= 44


def test_the_page_recovers_from_a_killed_server_by_itself(stage: Stage, browser: Chrome, foot: Foot) -> None:
    begin(stage, foot, browser)
    browser.execute_script("window.sameLife = true")
    stage.server.kill()
    wait_for_text(browser, ".trouble", "Connection to crampwatch lost")
    stage.server.start()
    began_s = time.monotonic()
    wait_until(browser, lambda: not is_shown(browser, ".trouble") and not is_shown(browser, ".foot .stale"))
    assert time.monotonic() - began_s < on_this_machine(5.0)
    assert browser.execute_script("return window.sameLife === true")
    before = painted(browser)
    wait_until(browser, lambda: painted(browser) != before)


def test_nothing_leaves_the_machine_and_little_is_loaded(stage: Stage, browser: Chrome, foot: Foot) -> None:
    other = Foot("cw-right", side="right", start_ns=foot.start_ns)
    stage.publish(other.info())
    stage.publish_samples(other, 12)
    browser.get_log("performance")  # type: ignore[no-untyped-call]
    begin(stage, foot, browser)
    time.sleep(1)
    entries = browser.get_log("performance")  # type: ignore[no-untyped-call]
    events = [json.loads(entry["message"])["message"] for entry in entries]
    urls = {event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"}
    own = urlsplit(stage.server.url).netloc
    assert {urlsplit(url).netloc for url in urls if url.startswith("http")} == {own}
    received_bytes = sum(e["params"]["encodedDataLength"] for e in events if e["method"] == "Network.dataReceived")
    assert 20_000 < received_bytes < 300_000


def test_themes_survive_a_reload(stage: Stage, browser: Chrome, foot: Foot) -> None:
    begin(stage, foot, browser)
    browser.find_element(By.CSS_SELECTOR, ".menu summary").click()
    browser.find_element(By.CSS_SELECTOR, "[data-choice=theme] input[value=night]").send_keys(" ")
    assert browser.execute_script("return getComputedStyle(document.body).backgroundColor") == "rgb(0, 0, 0)"
    browser.refresh()
    wait_until(browser, lambda: is_shown(browser, ".foot canvas"))
    assert browser.execute_script("return document.documentElement.dataset.theme") == "night"
    browser.execute_script("localStorage.clear()")


@pytest.mark.parametrize("theme", ["dark", "light", "night"])
def test_text_has_the_contrast_that_wcag_aa_requires(stage: Stage, browser: Chrome, foot: Foot, theme: str) -> None:
    demo = Foot(foot.sensor, start_ns=foot.start_ns, origin=Origin.DEMO)
    begin(stage, demo, browser)
    stage.publish(
        demo.episode("a", ago_s=6), demo.state("cramp", (), (Quality.MAINS,)), demo.notice("lead_off", "Off.")
    )
    wait_for_text(browser, ".banner", "Likely cramp")
    browser.execute_script("document.documentElement.dataset.theme = arguments[0]", theme)
    browser.execute_script("document.getAnimations().forEach(one => one.finish())")
    assert browser.execute_script(_FAINT_TEXT) == []


def test_a_stopped_service_is_shown(stage: Stage, browser: Chrome, foot: Foot) -> None:
    begin(stage, foot, browser)
    status = ServiceStatus(
        sensor="_detector", t_ns=time.time_ns(), origin=Origin.LIVE, online=False, service="detector"
    )
    stage.publish(status)
    wait_for_text(browser, ".trouble", "The detector is not running")
    stage.publish(msgspec.structs.replace(status, online=True))
    wait_until(browser, lambda: not is_shown(browser, ".trouble"))


def test_without_a_sensor_the_page_explains_what_it_waits_for(stage: Stage, browser: Chrome) -> None:
    browser.get(stage.server.url)
    wait_for_text(browser, ".waiting", "Waiting for a sensor")
    wait_for_text(browser, "#episodes", "Nothing so far.")


def test_texts_that_look_like_markup_stay_text(stage: Stage, browser: Chrome, foot: Foot) -> None:
    foot.muscle = "<img src=x onerror=alert(1)>"
    begin(stage, foot, browser)
    stage.publish(foot.episode("a", ago_s=3, reasons=("<script>alert(1)</script>",)))
    wait_for_text(browser, ".foot .place", "<img src=x")
    wait_for_text(browser, ".banner", "<img src=x")
    assert complaints(browser, stage.server.url) == []


_CUT_OFF = """
return [...document.querySelectorAll('body *')].filter(e => e.checkVisibility()
  && e.getBoundingClientRect().right > innerWidth + 1 && !e.closest('.unseen, legend, input')).map(e => e.className);
"""
_FAINT_TEXT = """
const channels = c => { const [r, g, b, a] = c.match(/[\\d.]+/g).map(Number); return [r, g, b, a ?? 1]; };
const linear = v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
const behind = e => {
  for (; e; e = e.parentElement) {
    const colour = channels(getComputedStyle(e).backgroundColor);
    if (colour[3] === 1) return colour;
  }
  return [255, 255, 255, 1];
};
return [...document.querySelectorAll('body *')].filter(e => e.checkVisibility()
    && [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())).map(e => {
  const [a, b] = [light(channels(getComputedStyle(e).color)), light(behind(e))];
  return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), e.tagName, e.className, e.textContent.slice(0, 30)];
}).filter(([ratio]) => ratio < 4.5);
"""
