"""Takes the pictures of docs/images from the running product, with the demonstration loaded.

    make run                                     # in one terminal
    .venv/bin/python docs/pictures.py            # in another; an address other than port 8000 as its argument

Needs what `make test` installs, and Chromium (CHROMIUM names another one).
"""

from __future__ import annotations

import os
import struct
import sys
import zlib
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from playwright.sync_api import Browser, Page, sync_playwright

IMAGES = Path(__file__).parent / "images"
ADDRESS = "http://127.0.0.1:8000"
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
PASSWORD, DOMAIN = "comptroller-demo", "northlight.example"
FLAGS = ("--no-sandbox", "--disable-gpu", "--lang=en-GB")
KIB_MAX = 250
COLOURS_MAX = 256

WIDE, PHONE = 1440, 390


@dataclass(frozen=True)
class Picture:
    """One page as one person sees it."""

    name: str
    person: str
    find: Callable[[Page], None]
    """Leads from the person's home page to the page that is shown."""
    width: int = WIDE
    height: int | None = None
    """Pixels from the top; None for the whole page."""
    dark: bool = False
    after: Callable[[Page], None] | None = None


def go(path: str) -> Callable[[Page], None]:
    return lambda page: open_path(page, path)


def request(title: str, *, edit: bool = False) -> Callable[[Page], None]:
    """The page of the newest request with this title, or its form."""

    def find(page: Page) -> None:
        open_path(page, "/requests/?q=" + title.replace(" ", "+"))
        path = page.get_by_role("link", name=title, exact=True).first.get_attribute("href")
        open_path(page, f"{path}edit/" if edit else str(path))

    return find


def budget(name: str) -> Callable[[Page], None]:
    def find(page: Page) -> None:
        open_path(page, "/budgets/")
        page.get_by_role("link", name=name, exact=True).first.click()

    return find


def decision(title: str) -> Callable[[Page], None]:
    """The decision page, reached from the person's queue."""

    def find(page: Page) -> None:
        open_path(page, "/admin/queue/")
        page.get_by_role("link", name=title).first.click()
        page.get_by_role("button", name="Approve").wait_for()

    return find


def policy(page_name: str, field: str = "", typed: str = "", query: str = "") -> Callable[[Page], None]:
    """A page of the version of the approval limits that is in force, with something typed into it."""

    def find(page: Page) -> None:
        open_path(page, "/admin/governance/policyversion/?state=active&q=approval+limits")
        path = page.locator('#result_list a[href*="/policyversion/"]').first.get_attribute("href")
        open_path(page, f"{str(path).split('change/')[0]}{page_name}/{query}")
        if field:
            page.locator(field).fill(typed)
            page.locator("#changes").locator("ins, pre.caret").first.wait_for()
            # Leaving the field asks once more.
            page.locator(field).blur()
            page.wait_for_timeout(1_500)

    return find


def mail(to: str, about: str) -> Callable[[Page], None]:
    """The newest mail to somebody about something, alone, as a mail program shows it."""

    def find(page: Page) -> None:
        open_path(page, f"/mailbox/?to={to}@{DOMAIN}")
        path = page.get_by_role("link", name=about).first.get_attribute("href")
        open_path(page, f"{path}body/")

    return find


def backtest(page: Page) -> None:
    """The newest draft on the last twelve months, judged now where that was not done before."""
    open_path(page, "/admin/governance/policyversion/?q=Approval+limits")
    page.get_by_role("link", name="Approval limits version").first.click()
    page.get_by_role("link", name="Backtests").click()
    runs = page.locator("table.table tbody a")
    if runs.count():
        runs.first.click()
    else:
        page.get_by_role("button", name="Judge them again").click()
    page.get_by_role("heading", name="Answers, old to new").wait_for(timeout=60_000)


def form(page: Page) -> None:
    """A new request, filled in as far as its place; the panel beside it has the answer."""
    open_path(page, "/requests/new/")
    page.locator("#id_title").fill("Full fine-tune of 70B for long documents")
    page.locator("#id_project").select_option("long-context")
    page.locator("#id_workload").select_option("fine_tuning")
    page.locator('input[name="sizing"][value="work"]').check()
    page.locator("#id_work-parameters_billion").fill("70")
    page.locator("#id_work-tokens_billion").fill("10")
    page.get_by_role("button", name="Continue to").click()
    page.locator("#id_accelerator").select_option("h100-sxm5-80gb")
    page.locator("#id_accelerator_count").fill("32")
    page.get_by_role("button", name="Continue to").click()
    page.locator('input[name="place"]').first.check()
    today = datetime.now(UTC).date()
    page.locator("#id_start_on").fill((today + timedelta(days=3)).isoformat())
    page.locator("#id_end_on").fill((today + timedelta(days=16)).isoformat())
    page.locator("#id_access_countries").fill("Ireland, Sweden")
    page.get_by_text("Counts as").first.wait_for()


def discard(page: Page) -> None:
    """Leave the demonstration as it was: the draft that `form` made."""
    open_path(page, page.url.split("edit/")[0].removeprefix(page.url.split("/requests/")[0]) + "discard/")
    page.get_by_role("button", name="Discard").click()


PICTURES = (
    Picture("home", "isla", go("/")),
    Picture("home_dark", "isla", go("/"), dark=True),
    Picture("form", "alice", form, after=discard),
    Picture("form_phone", "alice", form, after=discard, width=PHONE, height=844),
    Picture("request", "samir", request("Continued pre-training of the 13B ranker: half as many hours more")),
    Picture("grants", "samir", go("/grants/")),
    Picture("budget", "marcus", budget("Applied Products"), height=1240),
    Picture("queue", "carol", go("/admin/queue/"), height=760),
    Picture("decision", "claire", decision("Aurora: reinforcement-learning phase")),
    Picture("decision_dark", "claire", decision("Aurora: reinforcement-learning phase"), dark=True, height=1100),
    Picture("decision_phone", "claire", decision("Aurora: reinforcement-learning phase"), width=PHONE, height=844),
    Picture("policy_words", "henrik", policy("words"), height=1240),
    Picture("policy_limits", "henrik", policy("limits", "#id_value-auto_allow_max_usd", "1,500")),
    Picture("policy_table", "henrik", policy("table", '[name="v-0-0-0"]', "750,000", "?table=AL-5")),
    Picture("policy_text", "henrik", policy("text", "#id_when", "request.gpucount > 64", "?rule=AL-6")),
    Picture("backtest", "priya", backtest, height=1500),
    Picture("mail", "carol", mail("carol", "Decide by"), width=760, height=900),
)


def open_path(page: Page, path: str) -> None:
    answer = page.goto(path)
    assert answer is not None, f"{path} does not answer"
    assert answer.ok, f"{path} answers {answer.status}"


def take(browser: Browser, address: str, picture: Picture) -> bytes:
    """The picture as PNG."""
    context = browser.new_context(
        base_url=address,
        viewport={"width": picture.width, "height": picture.height or 900},
        color_scheme="dark" if picture.dark else "light",
        reduced_motion="reduce",
        locale="en-GB",
    )
    page = context.new_page()
    page.goto("/sign-in/")
    page.get_by_label("E-mail").fill(f"{picture.person}@{DOMAIN}")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_load_state()
    picture.find(page)
    page.wait_for_load_state("networkidle")
    page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
    png = page.screenshot(full_page=picture.height is None)
    if picture.after is not None:
        picture.after(page)
    context.close()
    return png


# ------------------------------------------------------------------------ smaller files

PIXELS = """async png => {
    const image = new Image();
    image.src = "data:image/png;base64," + png;
    await image.decode();
    const canvas = new OffscreenCanvas(image.width, image.height).getContext("2d");
    canvas.drawImage(image, 0, 0);
    const bytes = canvas.getImageData(0, 0, image.width, image.height).data;
    let text = "";
    for (let at = 0; at < bytes.length; at += 32768) text += String.fromCharCode(...bytes.subarray(at, at + 32768));
    return [image.width, image.height, btoa(text)];
}"""


def with_palette(browser: Browser, png: bytes) -> bytes:
    """The same picture in 256 colours, a third of the size: pages have few colours, their letters' edges have many."""
    page = browser.new_page()
    width, height, pixels = page.evaluate(PIXELS, b64encode(png).decode())
    page.close()
    rgba = np.frombuffer(b64decode(pixels), np.uint8).reshape(-1, 4).astype(np.int64)
    colours, index, counts = np.unique(rgba[:, :3] @ [65536, 256, 1], return_inverse=True, return_counts=True)
    rgb = np.stack([colours >> 16, colours >> 8 & 255, colours & 255], axis=1)
    # One colour for each small cube of colours: the commonest in it, so that plain areas keep theirs exactly.
    cubes: dict[tuple[int, ...], int] = {}
    for each in np.argsort(-counts):
        cubes.setdefault(tuple(rgb[each] // 12), int(each))
    palette = rgb[list(cubes.values())[:COLOURS_MAX]]
    nearest = np.array([np.argmin(((palette - colour) ** 2).sum(axis=1)) for colour in rgb], np.uint8)
    rows = nearest[index].reshape(height, width)
    raw = np.concatenate([np.zeros((height, 1), np.uint8), rows], axis=1).tobytes()
    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
        (b"PLTE", palette.astype(np.uint8).tobytes()),
        (b"IDAT", zlib.compress(raw, 9)),
        (b"IEND", b""),
    )
    chunks = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def main(arguments: list[str]) -> int:
    address = next((each for each in arguments if each.startswith("http")), ADDRESS).rstrip("/")
    wanted = {each for each in arguments if not each.startswith("http")}
    IMAGES.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        for picture in PICTURES:
            if not wanted or picture.name in wanted:
                png = with_palette(browser, take(browser, address, picture))
                (IMAGES / f"{picture.name}.png").write_bytes(png)
                sys.stdout.write(f"{picture.name:<16} {len(png) / 1024:6.0f} KiB\n")
                assert len(png) <= KIB_MAX * 1024, f"{picture.name} has more than {KIB_MAX} KiB"
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
