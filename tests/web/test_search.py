"""Search: by number, by words, among what one may see; and the catalogue, reports and acceptable use."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import timedelta

from django.test import Client
from django.utils import timezone

from governance.admin.rules import backtests
from governance.domain.record.spreadsheet import safe_cell
from governance.models import Acceptance, AuditEvent, Team
from governance.services.rules import acceptable_use
from governance.web.record import reports
from tests.cast import Cast
from tests.officers import published
from tests.web import reading

Browser = Callable[[str], Client]


def test_a_number_finds_its_request_and_its_grant(cast: Cast, browser_of: Browser) -> None:
    grant = reading.granted(cast, title="Small lease")
    client = browser_of("alice")
    for words in ("REQ-0001", "req-1", "1"):
        assert "/requests/1/" in client.get("/search/", {"q": words}).content.decode()
    assert f"/grants/{grant.number}/" in client.get("/search/", {"q": grant.reference}).content.decode()


def test_words_find_titles_budgets_and_projects(cast: Cast, browser_of: Browser) -> None:
    reading.granted(cast, title="Long lease")
    html = browser_of("carol").get("/search/", {"q": "long"}).content.decode()
    assert "Long lease</a>" in html
    assert "/budgets/long-context/" in html
    assert "?project=long-context" in html


def test_search_survives_anything_typed(cast: Cast, browser_of: Browser) -> None:
    client = browser_of("alice")
    for words in ("", "a", "\x00", "%", "_", "'; --", "x" * 4000, "\u202eabc", "<b>"):
        answer = client.get("/search/", {"q": words})
        assert answer.status_code == 200, words
        assert "<b>" not in answer.content.decode()
    assert "Nothing matches." in client.get("/search/", {"q": "zzzzzz"}).content.decode()


# --------------------------------------------------------------------------- catalogue


def test_the_catalogue_is_searched_by_every_word_and_paged(cast: Cast, browser_of: Browser) -> None:
    client = browser_of("alice")
    html = client.get("/catalogue/", {"q": "nvidia h100"}).content.decode()
    assert "H100 SXM5 80GB" in html
    assert "MI300X" not in html
    prices = client.get("/catalogue/", {"section": "prices"}).content.decode()
    assert "own price" in prices
    assert "Page 1 of" in prices
    second = client.get("/catalogue/", {"section": "prices", "page": "2"}).content.decode()
    assert "Page 2 of" in second
    assert "AI Act" in client.get("/catalogue/", {"section": "thresholds"}).content.decode()
    assert "CoreWeave" in client.get("/catalogue/", {"section": "providers"}).content.decode()
    for nonsense in ({"section": "../.."}, {"page": "9e9"}, {"page": "-1"}, {"q": "\x00"}, {"q": "x" * 9999}):
        assert client.get("/catalogue/", nonsense).status_code == 200


# ----------------------------------------------------------------------------- reports


def test_reports_count_what_happened_and_how_long_it_took(cast: Cast, browser_of: Browser) -> None:
    reading.granted(cast)
    request = reading.waiting(cast)
    reading.decide(cast, request, "reject", "Not now.")
    type(request).objects.filter(pk=request.pk).update(submitted_at=timezone.now() - timedelta(hours=6))
    html = browser_of("bob").get("/reports/").content.decode()
    assert "half of them within 6\u00a0h" in html
    assert "at once" in html
    assert "Research" in html


def test_an_export_has_the_figures_and_no_formula(cast: Cast, browser_of: Browser) -> None:
    Team.objects.filter(pk=cast.team.pk).update(name='=HYPERLINK("http://evil")', cost_centre="@SUM(1)")
    reading.granted(cast)
    answer = browser_of("carol").get("/reports/", {"export": "teams", "months": "12"})
    assert answer["Content-Type"].startswith("text/csv")
    assert "attachment" in answer["Content-Disposition"]
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert rows[0][0] == "Team"
    cells = [cell for row in rows for cell in row]
    assert '\'=HYPERLINK("http://evil")' in cells
    assert "'@SUM(1)" in cells
    assert not [cell for cell in cells if cell.startswith(("=", "+", "@"))]
    organisation = next(row for row in rows if row[0] == "Organisation")
    assert float(organisation[7]) == 1_000.0
    outcomes = browser_of("carol").get("/reports/", {"export": "outcomes"}).content.decode("utf-8-sig")
    assert "Granted,1,1000.0,0.0" in outcomes


def test_every_export_guards_its_cells_alike() -> None:
    assert vars(backtests)["safe_cell"] is safe_cell
    text = reports.csv_response("teams", [("|cmd", "%x", -2.5)]).content.decode("utf-8-sig")
    assert text == "'|cmd,'%x,-2.5\r\n"


# ---------------------------------------------------------------------- acceptable use


def publish(cast: Cast, **changes: object) -> int:
    now = timezone.now()
    version = published(
        **{
            "slug": "compute",
            "asker": cast.grace,
            "second": cast.frank,
            "text": "4.1 No malware.\n4.2 Nobody's feelings are read.",
            "clauses": [{"number": "4.1", "title": "Malware"}, {"number": "4.2", "title": "Emotions"}],
            "effective_from": None,
            "consent_due": now + timedelta(days=17),
            "now": now,
        }
        | changes
    )
    return version.pk


def test_a_new_version_is_read_and_accepted_once(cast: Cast, browser_of: Browser) -> None:
    version = publish(cast)
    client = browser_of("alice")
    assert "Accept “House rules”, version 2" in client.get("/").content.decode()
    html = client.get("/acceptable-use/").content.decode()
    assert "Nobody&#x27;s feelings are read." in html
    assert "or new requests stop." in html
    for _ in range(2):
        answer = client.post("/acceptable-use/", {"version": str(version)}, follow=True)
        assert "You accepted version 2." in answer.content.decode()
    assert Acceptance.objects.filter(version_id=version, person=cast.alice.person).count() == 1
    assert AuditEvent.objects.filter(action="aup.accepted", subject_id=version).count() == 1
    assert "Accept “" not in client.get("/").content.decode()


def test_a_later_version_shows_only_what_changed(cast: Cast, browser_of: Browser) -> None:
    first = publish(cast, now=timezone.now() - timedelta(days=3))
    acceptable_use.accept_version(version_id=first, actor=cast.alice, now=timezone.now())
    publish(cast, text="4.1 No malware.\n4.2 Nobody's feelings are read, customers' agents included.")
    html = browser_of("alice").get("/acceptable-use/").content.decode()
    changed = html[html.index("What changed since version 2") : html.index("</table>")]
    assert "customers&#x27; agents included" in changed
    assert "No malware" not in changed


def test_nonsense_and_future_versions_cannot_be_accepted(cast: Cast, browser_of: Browser) -> None:
    future = publish(cast, effective_from=timezone.now() + timedelta(days=5))
    client = browser_of("alice")
    for version in ("", "abc", "999999", "99999999999999999999", str(future)):
        assert client.post("/acceptable-use/", {"version": version}).status_code == 404
    assert not Acceptance.objects.filter(version_id=future).exists()
