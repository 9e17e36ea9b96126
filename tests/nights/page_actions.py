"""What a person does with the page: look at elements, read them, wait for them, click them."""

from collections.abc import Callable
from typing import Any

from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait


def wait_until(browser: Chrome, condition: Callable[[], Any], timeout_s: float = 40.0) -> None:
    """Wait for a condition."""
    waiting = WebDriverWait(
        browser,
        timeout_s,
        poll_frequency=0.1,
        ignored_exceptions=[NoSuchElementException, StaleElementReferenceException],
    )
    waiting.until(lambda _: condition())


def is_shown(browser: Chrome, selector: str) -> bool:
    """Whether an element that matches is visible."""
    return any(element.is_displayed() for element in browser.find_elements(By.CSS_SELECTOR, selector))


def text_of(browser: Chrome, selector: str = "body") -> str:
    """Return the text of the first element that matches."""
    return str(browser.find_element(By.CSS_SELECTOR, selector).text)


def wait_for_text(browser: Chrome, selector: str, text: str, *, timeout_s: float = 40.0) -> None:
    """Wait until the first element that matches is visible and contains a text."""
    wait_until(browser, lambda: is_shown(browser, selector) and text in text_of(browser, selector), timeout_s)


def click(browser: Chrome, selector: str) -> None:
    """Click an element as soon as it is visible."""
    wait_until(browser, lambda: is_shown(browser, selector))
    element = browser.find_element(By.CSS_SELECTOR, selector)
    # Selenium scrolls only as far as necessary, which leaves the element behind the navigation bar.
    browser.execute_script("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", element)
    element.click()
