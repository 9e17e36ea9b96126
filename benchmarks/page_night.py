"""The night view in headless Chromium: ``python benchmarks/page_night.py [--hours 10]``.

A made-up night of one sensor with two channels at 1 kHz, 10,000 episodes in a second one, and a year of nights. Times
are measured in the browser, from the change of address or the key press to the frame that shows the result.
"""

import argparse
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from crampwatch.protocol.kinds import EpisodeKind
from crampwatch.store.sqlite.store import SqliteStore
from lanes.chromium import open_chromium
from nights.night_stage import NightStage
from nights.page_actions import wait_for_text, wait_until
from nights.synthetic_night import Contraction, SyntheticNight
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By

BEGIN_NS: Final = int(datetime(2026, 11, 20, 21, 0, tzinfo=UTC).timestamp()) * 1_000_000_000
DAY_NS: Final = 86_400_000_000_000
NIGHT, RESTLESS = "2026-11-20", "2026-11-19"

_OPEN = """
const done = arguments[arguments.length - 1];
const began = performance.now();
const look = () => {
  const plot = document.querySelector(".timeline-plot");
  if (picture?.dataset.drawn && document.querySelector(".sentence")?.textContent) done(performance.now() - began);
  else requestAnimationFrame(look);
};
location.hash = arguments[0];
look();
"""
_ZOOM = """
const done = arguments[arguments.length - 1];
const plot = document.querySelector(".timeline-plot");
const before = plot.dataset.drawn;
const began = performance.now();
plot.dispatchEvent(new KeyboardEvent("keydown", { key: arguments[0], bubbles: true }));
const look = () => {
  if (plot.dataset.drawn !== before) requestAnimationFrame(() => done(performance.now() - began));
  else requestAnimationFrame(look);
};
look();
"""


def main() -> int:
    """Measure and print the figures; return 1 if one misses its limit."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--hours", type=float, default=10.0)
    hours = parser.parse_args().hours
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        write_nights(data, hours)
        with NightStage(data) as stage:
            stage.ask(f"nights/{NIGHT}")
            start_s = time.monotonic()
            stage.until_read(NIGHT, timeout_s=900)
            print(f"read once, in the background: {time.monotonic() - start_s:.0f} s for {hours:g} h")
            browser = open_chromium(Path(folder) / "chromium")
            try:
                return measure(stage, browser)
            finally:
                browser.quit()


def write_nights(data: Path, hours: float) -> None:
    """Write the synthetic nights."""
    length_s = hours * 3600
    cramps = [Contraction(length_s * share, 100) for share in (0.2, 0.5, 0.8)]
    night = SyntheticNight(BEGIN_NS, length_s, cramps, gaps=((length_s * 0.6, length_s * 0.6 + 300),))
    night.write_recording(data / "sessions")
    night.write_store(data / "store.sqlite")
    kinds = list(EpisodeKind)
    many = [Contraction(30 + 3.5 * n, 0.3 + n % 3, kinds[n % len(kinds)]) for n in range(10_000)]
    SyntheticNight(BEGIN_NS - DAY_NS, 36_000, many).write_store(data / "store.sqlite", features=False)
    store = SqliteStore(data / "store.sqlite")
    for day in range(2, 366):
        usual = SyntheticNight(BEGIN_NS - day * DAY_NS, 28_800, [Contraction(600 * n + 60, 20) for n in range(40)])
        store.write([usual.info(("CW-LEFT", "left")), *usual.episodes()])
    store.close()


def measure(stage: NightStage, browser: Chrome) -> int:
    """Measure all figures and print them; return 1 if one misses its limit."""
    browser.set_script_timeout(60)
    start_s = time.monotonic()
    rows = stage.ask("nights")
    figures = [(f"list a year of nights ({len(rows)}), s", time.monotonic() - start_s, 1.0)]
    figures.append(("open a 10 h night, s", opening_time_s(stage, browser, NIGHT), 1.0))
    zooms = zoom_times_ms(browser)
    figures.append(("zoom, median of the way to 10 ms and back, ms", statistics.median(zooms), 200.0))
    figures.append(("zoom, slowest, ms", max(zooms), 200.0))
    figures.append(("open 10,000 episodes, s", opening_time_s(stage, browser, RESTLESS), 2.0))
    for name, value, limit in figures:
        print(f"{name}: {value:.3g} (at most {limit:g}){'' if value <= limit else '  MISSED'}")
    return int(any(value > limit for _, value, limit in figures))


def opening_time_s(stage: NightStage, browser: Chrome, night: str) -> float:
    """Return seconds from choosing a night on the open page to its picture: the median of five."""
    times_s = []
    for _ in range(5):
        browser.get("about:blank")
        browser.get(f"{stage.url}#/sessions")
        wait_for_text(browser, ".sessions", "recording")
        times_s.append(browser.execute_async_script(_OPEN, f"#/night/{night}") / 1000)
    return float(statistics.median(times_s))


def zoom_times_ms(browser: Chrome) -> list[float]:
    """Return milliseconds of each step from the whole night to 10 ms and back."""
    times_ms: list[float] = []
    for key in ("+", "-"):
        while True:
            begin, end = map(float, str(drawn_span(browser)).split())
            if (key == "+" and end - begin < 12) or (key == "-" and end - begin > 30_000_000):
                break
            times_ms.append(browser.execute_async_script(_ZOOM, key))
        wait_until(browser, lambda: drawn_span(browser))
    return times_ms


def drawn_span(browser: Chrome) -> str | None:
    """Return which span is drawn."""
    return browser.find_element(By.CSS_SELECTOR, ".timeline-plot").get_attribute("data-drawn")


if __name__ == "__main__":
    sys.exit(main())
