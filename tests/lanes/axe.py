"""Deque's axe-core over a page: what keeps people from using it with a screen reader, a keyboard or weak eyes."""

from pathlib import Path

from lanes.lanes import unavailable
from selenium.webdriver import Chrome

_AXE = Path(__file__).resolve().parents[2] / "dashboards" / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
_RUN = """
const done = arguments[arguments.length - 1];
axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] })
  .then(found => done(found.violations.map(one => `${one.id}: ${one.nodes.map(node => node.html).join(" | ")}`)));
"""


def violations(browser: Chrome) -> list[str]:
    """Return what axe finds wrong with the page as it is shown; skip where axe-core is not installed."""
    if not _AXE.is_file():
        unavailable(
            "axe-core is not installed: run `python hatch_build.py --check-types`, which installs it, to run this lane"
        )
    # By the debugger, as the page's own policy lets nothing in.
    browser.execute_cdp_cmd("Runtime.evaluate", {"expression": _AXE.read_text("utf-8")})
    found = browser.execute_async_script(_RUN)
    assert isinstance(found, list)
    return [str(one) for one in found]
