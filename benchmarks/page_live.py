"""The live page in headless Chromium: ``python benchmarks/page_live.py [--minutes 60]``.

Two feet of two channels at 1 kHz are published through a real broker to the real server. The delay of a sample on the
screen is measured from the publication of the block that it ends: how long a sensor collects samples is not ours.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from crampwatch.protocol.block import SampleBlock
from lanes.chromium import open_chromium
from nights.foot_messages import BLOCK_SAMPLES, Foot
from nights.page_actions import is_shown, wait_until
from nights.page_stage import Stage
from selenium.webdriver import Chrome

BURSTS = 25
QUIET_UV, LOUD_UV = 2.0, 200.0
CPU_S = 30.0
EARLIER = 100  # episodes: the page's list, which shows the newest 60, is full before memory is watched
TICKS = os.sysconf("SC_CLK_TCK")

_WATCH = """
window.loud = [];
const canvas = document.querySelector(".foot[data-sensor=cw-left] .wave canvas");
const pen = canvas.getContext("2d", { willReadFrequently: true });
let wasLoud = true;
const look = () => {
  // The newest 4 % of the window; loud where the curve fills a third of the height.
  const [width, height] = [Math.round(canvas.width * 0.04), canvas.height];
  const { data } = pen.getImageData(canvas.width - width, 0, width, height);
  let [top, bottom] = [height, 0];
  for (let i = 0; i < data.length; i += 4)
    if (data[i + 2] > 180 && data[i] < 140 && data[i + 3] > 128) {
      const y = Math.floor(i / 4 / width);
      top = Math.min(top, y);
      bottom = Math.max(bottom, y);
    }
  const isLoud = bottom - top > height / 3;
  if (isLoud && !wasLoud) window.loud.push(performance.timeOrigin + performance.now());
  wasLoud = isLoud;
};
// Each drawing begins by clearing; in the next frame it is on the screen. Looking oftener would slow what is timed.
const clear = pen.clearRect.bind(pen);
pen.clearRect = (...area) => {
  clear(...area);
  requestAnimationFrame(look);
};
"""


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured value and its upper limit."""

    name: str
    value: float
    unit: str
    limit: float

    def __str__(self) -> str:
        result = "ok" if self.value < self.limit else "MISSED"
        return f"{self.name:<38}{self.value:>10.2f} {self.unit:<7} limit {self.limit:g} {self.unit}  {result}"


@dataclass
class BurstingFoot(Foot):
    """A foot that records when the first block of each burst was made, just before it is published."""

    burst_times_s: list[float] = field(default_factory=list)
    was_loud: bool = False

    def block(self, samples: int = BLOCK_SAMPLES, *, spike_uv: float = 0.0) -> SampleBlock:
        """Return the next samples."""
        is_loud = self.amplitude_uv > QUIET_UV
        block = super().block(samples, spike_uv=spike_uv)
        if is_loud and not self.was_loud:
            self.burst_times_s.append(time.time())
        self.was_loud = is_loud
        return block


def process_tree(root: int) -> list[int]:
    """Return a process and all that descend from it."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, IndexError):
                continue  # ended meanwhile
            children.setdefault(parent, []).append(int(entry.name))
    found = [root]
    for pid in found:
        found += children.get(pid, [])
    return found


def cpu_s(root: int) -> float:
    """Return the processor time a tree of processes has used."""
    total = 0
    for pid in process_tree(root):
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # ended meanwhile
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def cpu_share(roots: dict[str, int], seconds: float) -> dict[str, float]:
    """Return what per cent of one core each tree of processes takes."""
    before = {name: cpu_s(pid) for name, pid in roots.items()}
    start_s = time.monotonic()
    time.sleep(seconds)
    lasted_s = time.monotonic() - start_s
    return {name: 100 * (cpu_s(pid) - before[name]) / lasted_s for name, pid in roots.items()}


def latencies_ms(browser: Chrome, foot: BurstingFoot) -> list[float]:
    """Return how long after its publication each burst appeared on the screen."""
    browser.execute_script(_WATCH)
    foot.burst_times_s.clear()
    for _ in range(BURSTS):
        foot.amplitude_uv = QUIET_UV
        time.sleep(2.2)
        foot.amplitude_uv = LOUD_UV
        time.sleep(0.5)
    foot.amplitude_uv = QUIET_UV
    time.sleep(1.5)
    seen_s = [at / 1e3 for at in browser.execute_script("return window.loud")]
    lags_s = [[seen - sent for seen in seen_s if 0 < seen - sent < 2] for sent in foot.burst_times_s]
    return sorted(1e3 * min(lags) for lags in lags_s if lags)


def load_time(browser: Chrome, url: str) -> tuple[float, float]:
    """Return first paint in seconds and kilobytes of the page's files, with nothing cached."""
    browser.execute_cdp_cmd("Network.enable", {})
    browser.execute_cdp_cmd("Network.setCacheDisabled", {"cacheDisabled": True})
    browser.get("about:blank")
    browser.get(url)
    wait_until(browser, lambda: is_shown(browser, ".foot canvas"), 30)
    paint = "return performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
    wait_until(browser, lambda: browser.execute_script(paint), 30)
    transferred_bytes = browser.execute_script(
        "return performance.getEntries().reduce((sum, one) => sum + (one.transferSize || 0), 0)"
    )
    return browser.execute_script(paint) / 1e3, transferred_bytes / 1e3


def recovery_s(stage: Stage, browser: Chrome) -> float:
    """Return how long the page takes to be live again once a killed server answers again."""
    stage.server.kill()
    wait_until(browser, lambda: is_shown(browser, ".trouble"), 30)
    stage.server.start()
    start_s = time.monotonic()
    wait_until(browser, lambda: not is_shown(browser, ".trouble") and not is_shown(browser, ".foot .stale"), 30)
    return time.monotonic() - start_s


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory of page and server; that of the page after a garbage collection.

    Attributes:
        minute: Minutes since the start.
        heap_mb: Objects of the page.
        nodes: DOM nodes, those that are detached but still referenced included.
        listeners: Event listeners.
        browser_mb: Resident memory of all processes of the browser.
        server_mb: Resident memory of the server.
    """

    minute: float
    heap_mb: float
    nodes: int
    listeners: int
    browser_mb: float
    server_mb: float

    def __str__(self) -> str:
        return (
            f"{self.minute:5.1f} min: heap {self.heap_mb:.2f} MB, {self.nodes} nodes, {self.listeners} listeners, "
            f"browser {self.browser_mb:.0f} MB, server {self.server_mb:.1f} MB"
        )


def memory_now(browser: Chrome, server_pid: int, minute: float) -> Memory:
    """Return the present memory."""
    browser.execute_cdp_cmd("HeapProfiler.collectGarbage", {})
    heap_mb = browser.execute_cdp_cmd("Runtime.getHeapUsage", {})["usedSize"] / 1e6
    counters = browser.execute_cdp_cmd("Memory.getDOMCounters", {})
    browser_mb = resident_mb(browser.service.process.pid)
    # Chromedriver keeps every event of the network log until it is asked for.
    browser.get_log("performance")  # type: ignore[no-untyped-call] # selenium's, without types
    return Memory(minute, heap_mb, counters["nodes"], counters["jsEventListeners"], browser_mb, resident_mb(server_pid))


def resident_mb(root: int) -> float:
    """Return the resident memory of a tree of processes; pages they share count once for each."""
    pages = 0
    for pid in process_tree(root):
        try:
            pages += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        except OSError:
            continue  # ended meanwhile
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def watch_memory(stage: Stage, browser: Chrome, feet: list[BurstingFoot], minutes: float) -> list[Memory]:
    """Play an eventful night, a cramp each minute, and return the memory over time."""
    stage.publish(*(feet[n % 2].episode(f"earlier-{n}", status="closed", ago_s=900, lasts_s=9) for n in range(EARLIER)))
    time.sleep(5)
    start_s = time.monotonic()
    seen = [memory_now(browser, stage.server.pid, 0)]
    number = 0
    while (passed_min := (time.monotonic() - start_s) / 60) < minutes:
        foot = feet[number % len(feet)]
        number += 1
        foot.amplitude_uv = LOUD_UV
        stage.publish(foot.episode(f"{number}"), foot.state("cramp"), foot.battery(80, hours=9), foot.link())
        time.sleep(min(15, 60 * (minutes - passed_min)))
        foot.amplitude_uv = QUIET_UV
        ended = foot.episode(f"{number}", status="closed", revision=1, ago_s=15, lasts_s=15)
        stage.publish(ended, foot.state("rest"), foot.temperature(30 + number % 5))
        time.sleep(max(0.0, min(start_s + 60 * number, start_s + 60 * minutes) - time.monotonic()))
        seen.append(memory_now(browser, stage.server.pid, (time.monotonic() - start_s) / 60))
        print(seen[-1], flush=True)
    return seen


def memory_growth(seen: list[Memory]) -> list[Figure]:
    """Return how memory grew after the first sixth, in which buffers and caches fill."""
    settled, last = seen[len(seen) // 6], seen[-1]
    span = f"minute {settled.minute:.0f} to {last.minute:.0f}"
    return [
        Figure(f"heap growth, {span}", last.heap_mb - settled.heap_mb, "MB", 2),
        Figure(f"nodes more, {span}", last.nodes - settled.nodes, "", 300),
        Figure(f"server growth, {span}", last.server_mb - settled.server_mb, "MB", 10),
    ]


def median_of(measure: Callable[[], float], times: int = 3) -> float:
    """Return the median of a few measurements."""
    return statistics.median(measure() for _ in range(times))


def measure(directory: Path, minutes: float) -> list[Figure]:
    """Return all figures."""
    with Stage(directory / "stage") as stage:
        browser = open_chromium(directory / "chromium")
        feet = [BurstingFoot(f"cw-{side}", side=side) for side in ("left", "right")]
        for foot in feet:
            stage.publish(foot.info(), foot.state("rest"), foot.battery(80, hours=9), foot.link())
            stage.play(foot)
        time.sleep(3)
        first_paint_s = median_of(lambda: load_time(browser, stage.server.url)[0])
        files_kb = load_time(browser, stage.server.url)[1]
        wait_until(browser, lambda: len(browser.find_elements("css selector", ".foot canvas")) >= 8, 30)
        time.sleep(5)
        chromium_pid = browser.service.process.pid
        cpu = cpu_share({"browser": chromium_pid, "server": stage.server.pid}, CPU_S)
        grown = memory_growth(watch_memory(stage, browser, feet, minutes))
        recovered_s = median_of(lambda: recovery_s(stage, browser))
        lags_ms = latencies_ms(browser, feet[0])
        browser.quit()
    return [
        Figure(f"block to pixel, median of {len(lags_ms)}", statistics.median(lags_ms), "ms", 150),
        Figure("block to pixel, 95th percentile", lags_ms[int(0.95 * len(lags_ms))], "ms", 500),
        Figure("browser, share of a core", cpu["browser"], "%", 35),
        Figure("server, share of a core", cpu["server"], "%", 5),
        Figure("first paint", first_paint_s, "s", 1),
        Figure("files transferred", files_kb, "kB", 300),
        Figure("recovery after a server restart", recovered_s, "s", 5),
        *grown,
    ]


def main() -> int:
    """Print the figures; 1 where one misses its limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0, help="how long memory is watched")
    minutes = parser.parse_args().minutes
    with tempfile.TemporaryDirectory() as directory:
        figures = measure(Path(directory), minutes)
    print(*figures, f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", sep="\n")
    return int(any(figure.value >= figure.limit for figure in figures))


if __name__ == "__main__":
    sys.exit(main())
