"""Logging in to the page and out again in real Chromium, with the real server."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from lanes.axe import violations
from lanes.chromium import open_chromium, resize
from nights.page_actions import click, is_shown, wait_for_text, wait_until
from nights.page_stage import Stage
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

TOKEN = "a-token-of-24-characters"


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with Stage(tmp_path_factory.mktemp("stage"), token=TOKEN) as stage:
        yield stage


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Chrome]:
    driver = open_chromium(tmp_path / "chromium")
    driver.set_script_timeout(30)
    yield driver
    driver.quit()


def type_token(browser: Chrome, token: str) -> None:
    browser.find_element(By.ID, "token").send_keys(token, Keys.ENTER)


def test_the_page_needs_the_password_until_login_and_after_logout(stage: Stage, browser: Chrome) -> None:
    resize(browser, 320, 640)
    browser.get(f"{stage.server.url}#/settings")
    wait_until(browser, lambda: browser.current_url.startswith(f"{stage.server.url}login"))
    assert violations(browser) == []
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 320
    type_token(browser, "not the token")
    wait_for_text(browser, "#trouble", "Wrong token")
    type_token(browser, TOKEN)
    wait_for_text(browser, ".waiting", "Waiting for a sensor")
    cookie = browser.get_cookie("crampwatch")
    assert cookie is not None
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    assert browser.execute_script("return document.cookie") == ""
    stage.server.kill()
    stage.server.start()
    browser.refresh()
    wait_for_text(browser, ".waiting", "Waiting for a sensor")
    browser.get(f"{stage.server.url}#/settings")
    click(browser, ".settings form[action='/logout'] button")
    wait_until(browser, lambda: is_shown(browser, "#token"))
    browser.get(stage.server.url)
    wait_until(browser, lambda: is_shown(browser, "#token"))
