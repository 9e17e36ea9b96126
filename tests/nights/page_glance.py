"""Looking at the page as a person does: what is shown, what it says, waiting until it does."""

from collections.abc import Callable
from typing import Any

from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait


def until(browser: Chrome, condition: Callable[[], Any], timeout_s: float = 40.0) -> None:
    """Wait for a condition."""
    waiting = WebDriverWait(
        browser,
        timeout_s,
        poll_frequency=0.1,
        ignored_exceptions=[NoSuchElementException, StaleElementReferenceException],
    )
    waiting.until(lambda _: condition())


def shown(browser: Chrome, selector: str) -> bool:
    """Whether any such element can be seen."""
    return any(element.is_displayed() for element in browser.find_elements(By.CSS_SELECTOR, selector))


def words(browser: Chrome, selector: str = "body") -> str:
    """What the first such element says."""
    return str(browser.find_element(By.CSS_SELECTOR, selector).text)


def says(browser: Chrome, selector: str, text: str, *, timeout_s: float = 40.0) -> None:
    """Wait until such an element is shown and says something."""
    until(browser, lambda: shown(browser, selector) and text in words(browser, selector), timeout_s)


def press(browser: Chrome, selector: str) -> None:
    """Click an element as soon as it is shown."""
    until(browser, lambda: shown(browser, selector))
    element = browser.find_element(By.CSS_SELECTOR, selector)
    # Selenium scrolls just as far as it must, which is behind the navigation at the thumb.
    browser.execute_script("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", element)
    element.click()
