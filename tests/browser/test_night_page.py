"""A night and the recordings in real Chromium: the real server, store and broker over nights that were made up."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from crampwatch.protocol.kinds import EpisodeKind, Origin
from lanes.axe import violations
from lanes.chromium import open_chromium, resize
from nights.night_stage import NightStage
from nights.page_actions import click, is_shown, text_of, wait_for_text, wait_until
from nights.synthetic_night import Contraction, SyntheticNight
from selenium.webdriver import Chrome, Keys
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select


def ns(*when: int) -> int:
    return int(datetime(*when, tzinfo=UTC).timestamp()) * 1_000_000_000  # type: ignore[misc,arg-type] # year to minute


REAL = SyntheticNight(
    ns(2026, 11, 20, 22, 30),
    420,
    [
        Contraction(60, 100, amplitude_uv=70),
        Contraction(200, 0.4, EpisodeKind.TWITCH, 40),
        Contraction(260, 9, EpisodeKind.MOVEMENT, 90),
        Contraction(300, 12, amplitude_uv=40),
        Contraction(340, 8, amplitude_uv=30, status="retracted"),
    ],
    gaps=((210, 250),),
    feet=(("CW-LEFT", "left"), ("CW-RIGHT", "right")),
    utc_offset_s=3600,
)
CLOCKS_CHANGE = SyntheticNight(ns(2026, 10, 24, 22, 0), 4 * 3600, [Contraction(9000, 20)], utc_offset_s=7200)
SIMULATED = SyntheticNight(ns(2026, 11, 18, 21, 0), 60, [Contraction(20, 10)], origin=Origin.DEMO)
RESTLESS = SyntheticNight(
    ns(2026, 11, 19, 21, 30),
    36_000,
    [Contraction(30 + 3.5 * n, 0.3 + n % 3, list(EpisodeKind)[n % 6]) for n in range(10_000)],
    utc_offset_s=3600,
)
"""Known to the store alone: its recording was deleted long ago."""


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NightStage]:
    data = tmp_path_factory.mktemp("nights")
    for night, folder in ((REAL, data), (SIMULATED, data / "demo")):
        night.write_recording(folder / "sessions")
        night.write_store(folder / "store.sqlite")
    for night in (RESTLESS, CLOCKS_CHANGE):
        night.write_store(data / "store.sqlite", features=False)
    with NightStage(data) as stage:
        stage.until_read("2026-11-20")
        yield stage


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    driver = open_chromium(tmp_path_factory.mktemp("chromium"))
    driver.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": "Europe/Berlin"})
    yield driver
    driver.quit()


@pytest.fixture
def page(stage: NightStage, browser: Chrome) -> Iterator[Chrome]:
    resize(browser, 1280, 900)
    browser.get(f"{stage.url}#/night/2026-11-20")
    wait_for_text(browser, ".sentence", "recorded")
    wait_until(browser, lambda: drawn(browser))
    yield browser
    browser.execute_script("localStorage.clear()")
    browser.get("about:blank")


def drawn(browser: Chrome) -> str:
    """Return which stretch the timeline shows, once its signal is there; empty while it is fetched."""
    return str(browser.find_element(By.CSS_SELECTOR, ".timeline-plot").get_attribute("data-drawn") or "")


def length_ms(browser: Chrome) -> float:
    begin, end = drawn(browser).split()
    return float(end) - float(begin)


def complaints(browser: Chrome, url: str) -> list[str]:
    entries = browser.get_log("browser")  # type: ignore[no-untyped-call] # selenium's
    return [entry["message"] for entry in entries if urlsplit(url).netloc in entry["message"]]


def key(browser: Chrome, *keys: str) -> None:
    ActionChains(browser).send_keys(*keys).perform()


def test_the_summary_comes_first(stage: NightStage, page: Chrome) -> None:
    said = text_of(page, ".sentence").replace("\u00a0", " ")
    assert "2 likely cramps, the longest 1 min 40 s at 11:31 PM, left arch." in said
    assert "6 min 20 s of 7 min recorded (90 %)." in said
    wait_for_text(page, ".night", "Also 1 twitch, 1 movement, 1 withdrawn.")
    assert not is_shown(page, ".origin")
    assert complaints(page, stage.url) == []


def test_zooming_from_the_whole_night_to_ten_milliseconds_and_back(page: Chrome) -> None:
    page.find_element(By.CSS_SELECTOR, ".timeline-plot").click()
    whole_ms = length_ms(page)
    for _ in range(30):
        key(page, "+")
    wait_until(page, lambda: length_ms(page) == pytest.approx(10, abs=0.1))
    key(page, Keys.ARROW_RIGHT)
    key(page, "0")
    wait_until(page, lambda: length_ms(page) == whole_ms)


def test_keys_go_through_the_episodes(page: Chrome) -> None:
    key(page, "n")
    wait_for_text(page, ".detail", "Likely cramp")
    assert "episode=" in page.current_url
    key(page, "n")
    wait_for_text(page, ".detail h2", "Twitch")
    key(page, "p")
    wait_for_text(page, ".detail .reasons", "sustained for 5 s and longer")
    wait_for_text(page, ".detail", "88 Hz")
    wait_for_text(page, ".detail .counter", "1 of 5")
    key(page, Keys.ESCAPE)
    wait_until(page, lambda: not is_shown(page, ".detail"))


def test_an_episode_opens_by_a_click_where_it_is_drawn(page: Chrome) -> None:
    resize(page, 1280, 1100)  # all of it in view: the driver counts from the middle of what can be seen
    plot = page.find_element(By.CSS_SELECTOR, ".timeline-plot")
    width, height = plot.size["width"], plot.size["height"]
    x = width * 110 / 420 - width / 2
    ActionChains(page).move_to_element_with_offset(plot, round(x), round(8 - height / 2)).click().perform()
    wait_for_text(page, ".detail h2", "Likely cramp")


def test_answers_survive_a_killed_server(stage: NightStage, page: Chrome) -> None:
    click(page, ".row[data-kind=cramp]")
    click(page, ".answers:nth-child(1) button:nth-child(1)")
    click(page, ".answers.pain button:nth-child(7)")
    wait_until(page, lambda: page.find_elements(By.CSS_SELECTOR, ".save-state[data-state=saved]"))
    wait_for_text(page, ".row[aria-current]", "confirmed")
    stage.kill("web")
    click(page, ".answers.pain button:nth-child(8)")
    wait_for_text(page, ".save-state[data-state=failed]", "Couldn't save")
    stage.start_page()
    click(page, ".save-row button")
    wait_until(page, lambda: page.find_elements(By.CSS_SELECTOR, ".save-state[data-state=saved]"))
    page.refresh()
    wait_until(page, lambda: pressed(page) == ["It was a cramp", "7"])


def pressed(browser: Chrome) -> list[str]:
    return [one.text for one in browser.find_elements(By.CSS_SELECTOR, ".answers [aria-pressed=true]")]


def test_an_episode_marked_as_no_cramp_is_not_counted_until_undone(page: Chrome) -> None:
    Select(page.find_element(By.CSS_SELECTOR, ".night-head select")).select_by_value("2026-11-20")
    click(page, ".row[data-kind=cramp]")
    key(page, "2")
    wait_for_text(page, ".sentence", "1 marked as not a cramp")
    key(page, "2")
    wait_until(page, lambda: "marked as" not in text_of(page, ".sentence"))


def test_ten_thousand_episodes_scroll_like_ten(stage: NightStage, page: Chrome) -> None:
    began_s = time.monotonic()
    page.get(f"{stage.url}#/night/2026-11-19")
    wait_for_text(page, ".episode-list header", "10000")
    assert time.monotonic() - began_s < 10  # benchmarks/page_night.py has the figure; machines that test are busy
    wait_for_text(page, ".notes", "recording of this night was deleted")
    assert len(page.find_elements(By.CSS_SELECTOR, ".row")) < 60
    page.execute_script("document.querySelector('.scroller').scrollTop = 1e9")
    wait_until(page, lambda: page.find_elements(By.CSS_SELECTOR, "[aria-posinset='10000']"))
    key(page, "p")
    wait_for_text(page, ".detail .counter", "10000 of 10000")


def test_the_night_the_clocks_change_shows_both_offsets(stage: NightStage, page: Chrome) -> None:
    page.get(f"{stage.url}#/night/2026-10-24")
    wait_for_text(page, ".notes", "UTC+02:00 before, UTC+01:00 after")
    wait_for_text(page, ".night-head", "October 24")
    wait_for_text(page, ".sentence", "at 2:30 AM")


def test_a_simulated_night_is_marked(stage: NightStage, page: Chrome) -> None:
    page.get(f"{stage.url}#/night/demo.2026-11-18")
    wait_for_text(page, ".origin", "SIMULATED DATA")
    wait_for_text(page, ".sentence", "1 likely cramp")
    page.get(f"{stage.url}#/night/2026-11-20")
    wait_until(page, lambda: not is_shown(page, ".origin"))


def test_a_missing_night_is_reported(stage: NightStage, page: Chrome) -> None:
    page.get(f"{stage.url}#/night/2001-01-01")
    wait_for_text(page, ".night .waiting", "There is no such night.")
    Select(page.find_element(By.CSS_SELECTOR, ".night-head select")).select_by_value("2026-11-20")
    wait_for_text(page, ".sentence", "recorded")


_TOO_SMALL = """
return [...document.querySelectorAll('main :is(button, select, summary, a)')].filter(e => e.checkVisibility())
  .map(e => [e.textContent, e.getBoundingClientRect()])
  .filter(([, box]) => box.width < 44 || box.height < 44 || box.left < 0 || box.right > innerWidth)
  .map(([words, box]) => `${words} ${box.width} x ${box.height} at ${box.left}`);
"""
"""What a thumb may miss: smaller than 44 px, or not wholly on the page."""


@pytest.mark.parametrize("width", [320, 390])
def test_a_phone_shows_a_night_without_scrolling_sideways(stage: NightStage, page: Chrome, width: int) -> None:
    resize(page, width, 780)
    click(page, ".row[data-kind=cramp]")
    wait_for_text(page, ".detail", "It was a cramp")
    assert page.execute_script("return document.documentElement.scrollWidth") <= width
    assert page.execute_script(_TOO_SMALL) == []
    assert 0 <= page.execute_script("return document.querySelector('.detail h2').getBoundingClientRect().top") < 400
    click(page, ".steps button:last-child")
    wait_for_text(page, ".detail h2", "Twitch")
    page.get(f"{stage.url}#/sessions")
    wait_for_text(page, ".session", "Export")
    assert page.execute_script("return document.documentElement.scrollWidth") <= width
    assert page.execute_script(_TOO_SMALL) == []


@pytest.mark.parametrize("theme", ["dark", "light", "night"])
def test_axe_finds_no_accessibility_problem(stage: NightStage, page: Chrome, theme: str) -> None:
    page.execute_script("localStorage.setItem('crampwatch.theme', arguments[0])", theme)
    page.refresh()
    click(page, ".row[data-kind=cramp]")
    wait_for_text(page, ".detail .reasons", "sustained")
    assert violations(page) == []
    page.get(f"{stage.url}#/sessions")
    wait_for_text(page, ".session .badge", "SIMULATED")
    assert violations(page) == []


def test_recordings_are_listed_and_exported(stage: NightStage, page: Chrome) -> None:
    page.get(f"{stage.url}#/sessions")
    wait_for_text(page, ".sessions", "90 % recorded")
    click(page, "[data-session^='20261120'] .actions button")
    Select(page.find_element(By.ID, "format")).select_by_value("bdf")
    click(page, ".sessions dialog .primary")
    wait_for_text(page, ".job[data-state=done]", "CW-LEFT.bdf")
    assert str(page.find_element(By.CSS_SELECTOR, ".job a").get_attribute("download")).endswith(".bdf")
    click(page, ".job button")
    wait_until(page, lambda: not is_shown(page, ".job[data-state=done]"))


def test_deleting_a_recording_can_be_undone(stage: NightStage, page: Chrome) -> None:
    page.get(f"{stage.url}#/sessions")
    row = "[data-session^='20261118']"
    click(page, f"{row} .actions button:last-child")
    wait_for_text(page, ".undo", "You can restore it until")
    wait_until(page, lambda: not is_shown(page, f".card{row}"))
    click(page, ".undo button")
    wait_until(page, lambda: is_shown(page, f".card{row}"))


def test_a_missing_recording_is_restored_from_a_backup(stage: NightStage, page: Chrome) -> None:
    recording = SyntheticNight(ns(2026, 11, 17, 22, 0), 20).write_recording(stage.data / "sessions")
    page.get(f"{stage.url}#/sessions")
    click(page, ".backups > .actions .primary")
    wait_for_text(page, ".backups .work[data-state=done]", "Backup complete.")
    recording.unlink()
    restore = "[data-backup] .actions button:nth-of-type(2)"
    click(page, restore)
    wait_for_text(page, ".backups dialog", "1 recording will be restored")
    wait_for_text(page, ".backups dialog", "Nothing here is changed or removed")
    assert not recording.exists()
    click(page, ".backups dialog .primary")
    wait_for_text(page, ".backups .work[data-work=restore][data-state=done]", "1 recording restored.")
    assert recording.exists()
    wait_for_text(page, "[data-session^='20261117']", "Export")
    click(page, restore)
    wait_for_text(page, ".backups .work[data-work=check][data-state=done]", "Everything in it is already here.")
    assert violations(page) == []
    click(page, "[data-backup] .actions button:last-child")
    click(page, ".backups dialog .primary")
    wait_until(page, lambda: not is_shown(page, "[data-backup]"))
    recording.unlink()


def test_a_file_that_is_no_backup_is_refused(stage: NightStage, page: Chrome, tmp_path: Path) -> None:
    (tmp_path / "photo.gz").write_bytes(b"not a backup")
    page.get(f"{stage.url}#/sessions")
    wait_until(page, lambda: is_shown(page, ".backups"))
    page.find_element(By.CSS_SELECTOR, ".backups input[type=file]").send_keys(str(tmp_path / "photo.gz"))
    wait_for_text(page, ".backups .work[data-state=failed]", "The uploaded file cannot be read as a backup")
    assert not is_shown(page, "[data-backup]")


def test_failures_are_shown_in_the_language_of_the_page(stage: NightStage, page: Chrome) -> None:
    broken = stage.data / "backups" / "broken.tar.gz"
    broken.parent.mkdir(exist_ok=True)
    broken.write_bytes(b"not a backup")
    page.execute_script("localStorage.setItem('crampwatch.language', 'de')")
    try:
        page.get(f"{stage.url}#/sessions")
        page.refresh()
        wait_for_text(page, "[data-backup='broken.tar.gz']", "Das ist keine Sicherung von crampwatch")
        page.find_element(By.CSS_SELECTOR, ".backups input[type=file]").send_keys(str(broken))
        wait_for_text(page, ".backups .work[data-state=failed]", "Das ist keine Sicherung von crampwatch")
        assert "cannot be read" not in text_of(page, ".sessions")
    finally:
        broken.unlink()
        page.execute_script("localStorage.removeItem('crampwatch.language')")


def test_before_the_first_night_the_page_explains_that_it_is_empty(
    browser: Chrome, tmp_path_factory: pytest.TempPathFactory
) -> None:
    resize(browser, 390, 780)
    with NightStage(tmp_path_factory.mktemp("empty"), with_store=False) as stage:
        browser.get(f"{stage.url}#/night")
        wait_for_text(browser, ".night .waiting", "No night yet")
        browser.get(f"{stage.url}#/sessions")
        wait_for_text(browser, ".sessions .waiting", "Nothing recorded yet")
        assert complaints(browser, stage.url) == []
