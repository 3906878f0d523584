"""Every page for everybody: axe finds nothing, no phone scrolls sideways, no console complains, in light and dark."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.utils import timezone

from governance.models import ApprovalStage, Budget, Grant
from governance.services.approvals import decisions
from governance.services.requests import drafts, submission
from tests.browser.walk import Walk
from tests.cast import Cast, content, reviewed
from tests.plugins.axe import OF_COLOUR, violations

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}

UNDEFINED = """() => {
    const rules = group => Array.from(group.cssRules || []).flatMap(each => [each.selectorText || "", ...rules(each)]);
    const selectors = Array.from(document.styleSheets).flatMap(rules).join(" ");
    const defined = new Set(selectors.match(/(?<=\\.)[a-z][\\w-]*/g));
    const used = new Set(Array.from(document.querySelectorAll("[class]")).flatMap(each => Array.from(each.classList)));
    return document.querySelector('link[href$="/base.css"]') ? Array.from(used).filter(name => !defined.has(name)) : [];
}"""
"""Classes on a page of ours that its style sheets have no rule for; the theme's lists are the theme's."""

# What the theme brings along on pages that are wholly its own, by path. Ours have no exception.
OF_THE_THEME: dict[str, frozenset[str]] = {}
SERIOUS = ("serious", "critical")


@dataclass
class Furnished:
    """A site in which every page has something to show."""

    url: str
    cast: Cast
    numbers: dict[str, int] = field(default_factory=dict)


@pytest.fixture
def furnished(site: tuple[str, Cast]) -> Furnished:
    url, cast = site
    now = timezone.now()
    dates = {"start_on": now.date().isoformat(), "end_on": (now + timedelta(days=13)).date().isoformat()}
    ask = {"actor": cast.alice, "now": now}
    work = {"workload": "fine_tuning", "work": {"parameters_billion": 13, "tokens_billion": 10}}
    granted = submission.create_and_submit(content=content(**dates, **work), **ask)
    waiting = submission.create_and_submit(content=reviewed(**dates, **work, title="Waits for a lead"), **ask)
    changed = submission.create_and_submit(content=reviewed(**dates, title="Needs changes"), **ask)
    stage = ApprovalStage.objects.get(provisioning_request=changed)
    decisions.decide(
        stage_id=stage.pk, actor=cast.bob, verdict="changes", reason="Say what you will measure, please.",
        revision_digest=stage.revision.digest, now=now,
    )  # fmt: skip
    unpriced = submission.create_and_submit(
        content=reviewed(**dates, title="Without a price", accelerator="l4", provider="coreweave"), **ask
    )
    draft = drafts.create_draft(content=content(**dates, **work, title="A draft"), **ask)
    numbers = {"granted": granted.number, "waiting": waiting.number, "changed": changed.number, "draft": draft.number}
    numbers |= {"unpriced": unpriced.number, "grant": Grant.objects.get().number}
    numbers["stage"] = ApprovalStage.objects.get(provisioning_request=waiting).pk
    return Furnished(url, cast, numbers)


def requester_paths(site: Furnished) -> list[str]:
    n = site.numbers
    form = f"/requests/{n['draft']}/edit/?step="
    slug = Budget.objects.filter(project__isnull=False).values_list("slug", flat=True)[0]
    return [
        "/", "/requests/", "/requests/?state=in_review", "/requests/?q=nothing-like-it", "/requests/new/",
        *(form + step for step in ("workload", "size", "place", "purpose", "review")),
        *(f"/requests/{n[name]}/" for name in ("granted", "waiting", "changed", "unpriced", "draft")),
        f"/requests/{n['waiting']}/withdraw/", f"/requests/{n['draft']}/discard/", "/grants/", f"/grants/{n['grant']}/",
        f"/grants/{n['grant']}/return/", "/budgets/", f"/budgets/{slug}/", "/catalogue/", "/reports/",
        "/acceptable-use/", "/search/?q=draft", "/no-such-page/",
    ]  # fmt: skip


def desk_paths(site: Furnished) -> list[str]:
    return ["/admin/queue/", f"/admin/decide/{site.numbers['stage']}/", "/admin/waiting/", "/admin/decided/"]


def test_no_page_of_a_requester_fails_anybody(furnished: Furnished, visitors: Callable[..., Page]) -> None:
    assert not (faults := _faults(furnished, visitors, "alice", requester_paths(furnished))), "\n".join(faults)


def test_no_page_of_the_desk_fails_anybody(furnished: Furnished, visitors: Callable[..., Page]) -> None:
    assert not (faults := _faults(furnished, visitors, "bob", desk_paths(furnished))), "\n".join(faults)


def test_the_sign_in_page_fails_nobody(site: tuple[str, Cast], visitors: Callable[..., Page]) -> None:
    url, cast = site
    assert not (faults := _faults(Furnished(url, cast), visitors, "", ["/sign-in/", "/api/docs/"])), "\n".join(faults)


def _faults(site: Furnished, visitors: Callable[..., Page], who: str, paths: list[str]) -> list[str]:
    """Everything that is wrong on any of the pages, as sentences."""
    faults: list[str] = []
    page = visitors(reduced_motion="reduce")
    if who:
        Walk(page, site.url).sign_in(who)
    for number, path in enumerate(paths):
        # Loaded in light and in dark by turns, for what scripts do at the start.
        first, second = ("light", "dark")[:: -1 if number % 2 else 1]
        _look(page, first, DESKTOP)
        page.goto(site.url + path)
        faults += _found_by_axe(page, f"{path} in {first}")
        faults += [f"{path}: no style sheet defines .{name}" for name in page.evaluate(UNDEFINED)]
        _look(page, second, DESKTOP)
        faults += _found_by_axe(page, f"{path} in {second}", OF_COLOUR)
        _look(page, "dark", PHONE)
        faults += _sideways(page, f"{path} in dark")
        _look(page, "light", PHONE)
        faults += _sideways(page, path)
        faults += _found_by_axe(page, f"{path} on a phone")
        faults += [f"{path}: {text}" for text in page.complaints if "404 (Not Found)" not in text]  # type: ignore[attr-defined]
        page.complaints.clear()  # type: ignore[attr-defined]
    page.context.close()
    return faults


def _look(page: Page, scheme: str, size: dict[str, int]) -> None:
    """The same page in other colours or on another screen: no answer depends on them, so it is not loaded again."""
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.set_viewport_size(size)  # type: ignore[arg-type]


def _found_by_axe(page: Page, path: str, options: dict[str, Any] | None = None) -> list[str]:
    allowed = OF_THE_THEME.get(path.split(" ")[0], frozenset())
    return [
        f"{path}: {fault['id']} ({fault['impact']}): {fault['help']}: {fault['nodes'][0]['html'][:160]}"
        for fault in violations(page, options)
        if fault["id"] not in allowed
    ]


def _sideways(page: Page, path: str) -> list[str]:
    """A phone's page is as wide as the phone; what is wider scrolls in a region of its own."""
    width = page.evaluate("document.documentElement.scrollWidth")
    return [f"{path}: {width} px wide on a phone of {PHONE['width']} px"] if width > PHONE["width"] else []
