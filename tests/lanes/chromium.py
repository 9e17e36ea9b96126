"""Headless Chromium, driven by selenium, that reaches nothing but this machine."""

from pathlib import Path
from typing import Final

from lanes.lanes import require_program
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

_FLAGS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--force-device-scale-factor=1",
)


def open_chromium(profile: Path, *, width: int = 1280, height: int = 800) -> Chrome:
    """Start a browser with a fresh profile; skip where it is not installed."""
    options = ChromeOptions()
    options.binary_location = str(require_program("chromium", "chromium"))
    for flag in (*_FLAGS, f"--user-data-dir={profile}", f"--window-size={width},{height}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = Chrome(options=options, service=Service(str(require_program("chromedriver", "chromium-driver"))))
    resize(driver, width, height)
    return driver


def resize(driver: Chrome, width: int, height: int) -> None:
    """Give the page exactly this many CSS pixels."""
    driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600},
    )
