"""axe in a page: read into it once, and run as often as wanted, for instance after the colours have changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from axe_playwright_python.base import AXE_SCRIPT

if TYPE_CHECKING:
    from playwright.sync_api import Page

OF_COLOUR = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
"""The rules that look at colours. The others look at what is on a page, which is the same in light and in dark."""

# A page follows a change of its colours or of its width at its next frames.
_RUN = """async options => {
    await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
    return (await axe.run({resultTypes: ["violations"], ...options})).violations;
}"""


def violations(page: Page, options: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    """What axe finds on a page as it stands.

    Args:
        options: axe's own, such as `OF_COLOUR`; without, every rule that axe switches on by itself.
    """
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    return page.evaluate(_RUN, options or {})  # type: ignore[no-any-return]
