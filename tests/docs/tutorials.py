"""Follows a tutorial as its reader does: the commands in a shell, the pages in a browser.

What a tutorial says is what is done, so it is written in a few forms:

- a block marked `sh` is run; a block marked `text` after it is what it prints, with `…` for what differs
  from run to run, and a line that is `…` alone for any number of lines
- "Sign in as `address` with the password `…`"; later ones without a password have the same one
- "In the mail press **words**" follows its link
- "Open <http://127.0.0.1:8000/…>" goes to a page; "Open **words**" and "Press **words**" use a link or a button,
  "Choose **words**" a choice
- a table headed `question | answer` fills a form in; `today` and `today + 13 days` are dates
- "reload the page until it shows **words**" waits for what takes some seconds
- any other words in bold stand on the page, `…` for what differs
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from config.serve.processes import free_port
from tests.plugins.launched import INHERITED, READY_SECONDS_MAX
from tests.plugins.processes import wait_for
from tests.plugins.servers import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

ADDRESS = "http://127.0.0.1:8000"
_BLOCK = re.compile(r"^ *```(\w*)\n(.*?)^ *```$|((?:^ *\|[^\n]*\n)+)", re.MULTILINE | re.DOTALL)
_STEP = re.compile(
    r"[Ss]ign in as (?P<account>`[^`]+`(?: with the password `[^`]+`)?)|[Oo]pen <(?P<address>[^>]+)>"
    r"|[Ii]n the mail,? press \*\*(?P<link_of_the_mail>.+?)\*\*"
    r"|[Cc]hoose \*\*(?P<choice>.+?)\*\*"
    r"|(?:[Oo]pen|[Pp]ress) \*\*(?P<control>.+?)\*\*"
    r"|[Rr]eload the page until it shows \*\*(?P<awaited>.+?)\*\*|\*\*(?P<words>.+?)\*\*"
)
_COMMAND_SECONDS_MAX = 120
_LEAVES = """element => element.matches('a[href]:not([href^="#"])')
  || (element.type === 'submit' && !!element.form && !element.closest('[hx-post], [hx-get]'))"""


@dataclass
class Step:
    """One thing that a tutorial says: a `command` with what it `prints`, `answers` for a form, or one of `_STEP`."""

    kind: str
    text: str
    prints: str | None = None


def steps_of(page: Path) -> list[Step]:
    """What a tutorial says, in order."""
    steps: list[Step] = []
    text, end = page.read_text(encoding="utf-8") + "\n", 0
    for block in _BLOCK.finditer(text):
        steps += _in_prose(text[end : block.start()])
        end = block.end()
        language, content, table = block.groups()
        if table:
            rows = [[cell.strip() for cell in row.strip().strip("|").split("|")] for row in table.splitlines()]
            if rows[0] == ["question", "answer"]:
                steps += [Step("answer", question, answer) for question, answer in rows[2:]]
        elif language == "sh":
            steps.append(Step("command", _flush_left(content)))
        elif language == "text":
            assert steps[-1].kind == "command", f"{page}: nothing prints {content!r}"
            steps[-1].prints = _flush_left(content)
    return [*steps, *_in_prose(text[end:])]


def _in_prose(text: str) -> Iterator[Step]:
    for said in _STEP.finditer(" ".join(text.split())):
        assert said.lastgroup
        yield Step(said.lastgroup, said[said.lastgroup])


def _flush_left(content: str) -> str:
    indent = min(len(line) - len(line.lstrip()) for line in content.splitlines() if line.strip())
    return "\n".join(line[indent:] for line in content.splitlines())


def pattern(words: str, *, within: bool = False, ending: str = "") -> re.Pattern[str]:
    """Words of a page or lines of a terminal, as a pattern; `…` is whatever stands there."""
    lines = words.strip().splitlines() or [""]
    parts = [".*" if line.strip() == "…" else ".+?".join(map(re.escape, line.rstrip().split("…"))) for line in lines]
    whole = r"\s*\n".join(parts).replace(r"\ ", r"\s+")  # a space may be one that does not break
    return re.compile(whole if within else rf"^\s*{whole}{ending}\s*$", re.DOTALL)


@dataclass
class Terminals:
    """The first terminal, in which `make run` stays, and the second one; on a data folder and a home of their own."""

    folder: Path
    port: int = field(default_factory=free_port)
    product: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
        ours = {"HOME": str(self.folder), "COMPTROLLER_DATA": str(self.folder / "data"), "PORT": str(self.port)}
        return inherited | ours

    def stay(self, command: str) -> str:
        """Start the product, unless another tutorial has, and give what it printed until it was ready."""
        log = self.folder / "run.log"
        if self.product is None:
            with log.open("wb") as out:
                self.product = subprocess.Popen(
                    ["bash", "-c", command], cwd=ROOT, env=self.environment, stdin=subprocess.DEVNULL, stdout=out,
                    stderr=subprocess.STDOUT, start_new_session=True,
                )  # fmt: skip

        def is_ready() -> bool:
            assert self.product
            assert self.product.poll() is None, log.read_text()
            return "Ctrl-C ends everything" in log.read_text()

        wait_for(is_ready, READY_SECONDS_MAX, "the product")
        return log.read_text()

    def run(self, command: str) -> str:
        """What a command printed that ended well."""
        done = subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", command], cwd=ROOT, env=self.environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=_COMMAND_SECONDS_MAX,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout
        return done.stdout

    def leave(self) -> None:
        """Ctrl-C."""
        if self.product and self.product.poll() is None:
            os.killpg(self.product.pid, signal.SIGINT)
            self.product.wait(60)


@dataclass
class Reader:
    """Who follows a tutorial."""

    page: Page
    terminals: Terminals
    password: str = ""

    def follow(self, tutorial: Path) -> None:
        for step in steps_of(tutorial):
            try:
                self._take(step)
            except Exception as problem:
                shown = self.page.locator("main").all_inner_texts()
                raise AssertionError(
                    f"{tutorial.name}: {step.kind} `{step.text}`: {problem}\non {self.page.url}: {shown}"
                ) from problem

    def _take(self, step: Step) -> None:
        text = self._here(step.text)
        match step.kind:
            case "command":
                printed = self.terminals.stay(text) if "make run" in text else self.terminals.run(text)
                assert step.prints is None or pattern(self._here(step.prints)).search(printed), printed
            case "account":
                self._sign_in(text)
            case "address":
                self.page.goto(text)
            case "control":
                self._press(text)
            case "choice":
                self.page.get_by_role("radio", name=pattern(text)).check()
            case "link_of_the_mail":
                link = self.page.frame_locator("iframe").get_by_role("link", name=pattern(text))
                self.page.goto(link.get_attribute("href") or "")
            case "answer":
                self._answer(text, step.prints or "")
            case "awaited":
                wait_for(lambda: self.page.reload() and self._shown(text).count(), 30, f"`{text}`")
            case "words":
                self._shown(text).first.wait_for()

    def _here(self, text: str) -> str:
        return text.replace(ADDRESS, self.terminals.address)

    def _shown(self, words: str) -> Locator:
        return self.page.get_by_text(pattern(words, within=True)).filter(visible=True)

    def _sign_in(self, as_whom: str) -> None:
        account, *password = re.findall("`([^`]+)`", as_whom)
        self.password = password[0] if password else self.password
        self.page.get_by_label("E-mail").fill(account)
        self.page.get_by_label("Password").fill(self.password)
        self._press("Sign in")

    def _press(self, words: str) -> None:
        name = pattern(words, ending=r"(\s+\d+)?")  # a link of the desk may carry a count
        controls = self.page.get_by_role("button", name=name).or_(self.page.get_by_role("link", name=name))
        control = controls.filter(visible=True).first
        control.wait_for()
        if control.evaluate(_LEAVES):
            with self.page.expect_navigation():
                control.click()
        else:
            control.click()

    def _answer(self, question: str, answer: str) -> None:
        named = pattern(question, ending=r"(\s+optional)?")
        group = self.page.get_by_role("group", name=named)
        control = self.page.get_by_label(named).or_(group).filter(visible=True).first
        control.wait_for()
        tag, kind = control.evaluate("element => [element.tagName, element.type]")
        if tag == "FIELDSET":
            choices = group.get_by_role("radio", name=pattern(answer, within=True))
            choices.or_(group.get_by_role("checkbox", name=pattern(answer, within=True))).first.check()
        elif tag == "SELECT":
            self._choose(control, answer)
        elif kind == "checkbox":
            control.set_checked(answer == "yes")
        else:
            control.fill(_value(answer))

    @staticmethod
    def _choose(control: Locator, answer: str) -> None:
        labels = control.locator("option").all_inner_texts()
        (chosen,) = [label for label in labels if pattern(answer).search(label)]
        control.select_option(label=chosen)


def _value(answer: str) -> str:
    if dated := re.fullmatch(r"today(?: \+ (\d+) days)?", answer):
        return (datetime.now(UTC).date() + timedelta(days=int(dated[1] or 0))).isoformat()
    return answer
