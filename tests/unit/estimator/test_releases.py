"""Releases on PostgreSQL: idempotent, append-only, replayable."""

from __future__ import annotations

import copy
import io
import json
import shutil
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from pytest_django import DjangoAssertNumQueries

from estimator import catalogue, models
from estimator.loader import DATA_DIR, Rows
from estimator.releases import publish_files, publish_rows
from governance.models import AuditEvent
from tests.plugins.databases import DATABASES
from tests.unit.estimator.samples import shipped, shipped_rows

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 21, tzinfo=UTC)
EXAMPLES = Path(models.__file__).parent / "examples"


def small() -> Rows:
    """The shipped files with two prices, so that a release is quick to write."""
    rows = copy.deepcopy(shipped_rows())
    rows["prices"] = [row for row in rows["prices"] if row["provider"] == "lambda" and row["accelerator"]][:2]
    rows["token_prices"], rows["grid_carbon"] = rows["token_prices"][:2], rows["grid_carbon"][:2]
    return rows


def publish_small() -> models.CatalogueRelease:
    release = publish_files(small(), note="first", now=NOW)
    assert release is not None
    return release


DATABASES.add("small_release", publish_small)


@pytest.fixture
def template_small_release(db: None) -> models.CatalogueRelease:
    return DATABASES.value("small_release")  # type: ignore[no-any-return]


@pytest.fixture
def published(template_small_release: models.CatalogueRelease) -> models.CatalogueRelease:
    """A small release, on top of whatever the test database came with."""
    return template_small_release


def test_the_same_files_make_no_new_release(published: models.CatalogueRelease) -> None:
    assert publish_files(small(), note="again", now=NOW) is None
    assert models.CatalogueRelease.objects.first() == published


def test_the_digest_depends_on_rows_and_not_on_their_order(published: models.CatalogueRelease) -> None:
    rows = small()
    for members in rows.values():
        members.reverse()
    assert publish_files(rows, note="reversed", now=NOW) is None
    assert catalogue.snapshot_of_rows(rows, released_at=NOW).digest == published.digest


def test_a_changed_row_is_appended_and_the_old_release_stays(published: models.CatalogueRelease) -> None:
    before = catalogue.current_snapshot()
    rows = small()
    rows["prices"][0]["usd_per_gpu_hour"] = Decimal("99")
    release = publish_files(rows, note="dearer", now=NOW)
    assert release is not None
    assert (release.number, release.changed_count) == (published.number + 1, 1)
    assert release.row_count == published.row_count
    assert 99.0 in {offer.usd_per_gpu_hour for offer in catalogue.current_snapshot().prices}
    assert catalogue.snapshot_of(published.digest) == before


def test_a_row_that_left_its_file_is_withdrawn_and_can_come_back(published: models.CatalogueRelease) -> None:
    rows = small()
    gone = rows["prices"].pop()
    assert publish_files(rows, note="fewer", now=NOW) is not None
    assert gone["slug"] not in {offer.slug for offer in catalogue.current_snapshot().prices}
    again = publish_files(small(), note="back", now=NOW)
    assert again is not None
    assert again.digest == published.digest


def test_an_edit_stands_until_its_file_row_changes(published: models.CatalogueRelease) -> None:
    row = dict(small()["prices"][0], usd_per_gpu_hour=Decimal("1.23"))
    assert publish_rows({"prices": [row]}, note="edited", now=NOW) is not None
    assert publish_files(small(), note="reload", now=NOW) is None
    assert 1.23 in {offer.usd_per_gpu_hour for offer in catalogue.current_snapshot().prices}


def test_an_own_price_is_a_row_that_no_file_withdraws(published: models.CatalogueRelease) -> None:
    own: dict[str, Any] = {
        "slug": "own-h100", "provider": "", "accelerator": "h100-sxm5-80gb", "price_term": "owned_pool",
        "usd_per_gpu_hour": Decimal("1.45"), "as_of": date(2026, 2, 1), "is_own": True,
        "effective_from": date(2026, 2, 1), "source": "internal rate", "licence": "own",
    }  # fmt: skip
    assert publish_rows({"prices": [own]}, note="internal rate", now=NOW) is not None
    assert publish_files(small(), note="reload", now=NOW) is None
    assert [offer.slug for offer in catalogue.current_snapshot().prices_own] == ["own-h100"]


def test_a_current_snapshot_costs_one_query(
    published: models.CatalogueRelease, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    first = catalogue.current_snapshot()
    with django_assert_num_queries(1):
        assert catalogue.current_snapshot() is first


def test_an_unknown_digest_has_no_snapshot(published: models.CatalogueRelease) -> None:
    with pytest.raises(catalogue.NoCatalogue):
        catalogue.snapshot_of("0" * 64)


def test_an_empty_catalogue_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models.CatalogueRelease, "objects", models.CatalogueRelease.objects.none())
    with pytest.raises(catalogue.NoCatalogue):
        catalogue.current_snapshot()


@pytest.mark.parametrize(
    ("table", "changes"),
    [
        ("prices", {"usd_per_gpu_hour": Decimal(0)}),
        ("prices", {"is_own": True, "effective_from": None}),
        ("facilities", {"pue_low": 0.5}),
        ("utilisation_priors", {"p10": 2.0}),
        ("thresholds", {"effective_to": date(2000, 1, 1)}),
        ("accelerators", {"memory_gb": -1.0}),
    ],
)
def test_the_database_refuses_what_can_never_be_true(
    published: models.CatalogueRelease, table: str, changes: dict[str, Any]
) -> None:
    row = {**small()[table][0], "slug": "impossible", **changes}
    with pytest.raises(DatabaseError), transaction.atomic():
        publish_rows({table: [row]}, note="impossible", now=NOW)
    assert models.CatalogueRelease.objects.first() == published


def test_a_row_stands_once_in_a_release(published: models.CatalogueRelease) -> None:
    row = models.Provider.objects.first()
    assert row is not None
    row.pk = None
    with pytest.raises(DatabaseError), transaction.atomic():
        row.save(force_insert=True)


def test_the_command_loads_the_shipped_files_once(published: models.CatalogueRelease) -> None:
    out = io.StringIO()
    call_command("load_catalogue", stdout=out)
    assert f"Published release {published.number + 1}" in out.getvalue()
    event = AuditEvent.objects.latest("seq")
    assert event.action == "catalogue.released"
    newest = models.CatalogueRelease.objects.order_by("-number").first()
    assert newest is not None
    assert (event.subject_id, event.data["origin"]) == (newest.pk, "data_files")
    assert (event.data["digest"], event.data["changed"]) == (newest.digest, newest.changed_count)
    call_command("load_catalogue", stdout=out)
    assert "up to date" in out.getvalue()
    assert AuditEvent.objects.latest("seq") == event
    loaded = catalogue.current_snapshot()
    assert loaded == catalogue.snapshot_of_rows(shipped_rows(), released_at=loaded.released_at)
    assert catalogue.current_snapshot().digest == shipped().digest


def test_the_command_loads_nothing_of_a_bad_folder(published: models.CatalogueRelease, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    shutil.copytree(DATA_DIR, folder)
    (folder / "prices.csv").write_text("slug\n", encoding="utf-8")
    err = io.StringIO()
    with pytest.raises(SystemExit) as caught:
        call_command("load_catalogue", data=folder, stderr=err)
    assert caught.value.code == 2
    assert "prices.csv:1: provider: this column is missing" in err.getvalue()
    assert models.CatalogueRelease.objects.first() == published


def test_the_estimate_command_prints_a_table_or_json(published: models.CatalogueRelease) -> None:
    out = io.StringIO()
    call_command("estimate", EXAMPLES / "lease_own_price.yaml", stdout=out)
    assert "1,000          1,000          1,000  USD" in out.getvalue()
    out = io.StringIO()
    call_command("estimate", EXAMPLES / "lease_own_price.yaml", "--json", stdout=out)
    assert json.loads(out.getvalue())["cost_usd"] == {"p10": 1000.0, "p50": 1000.0, "p90": 1000.0}


@pytest.mark.parametrize(
    ("text", "named"),
    [("workload: mining", "workload"), ("workload: lease\nplace: {accelerator: h999}", "accelerator"), ("\0", "file")],
)
def test_the_estimate_command_names_bad_input_and_exits_2(
    published: models.CatalogueRelease, tmp_path: Path, text: str, named: str
) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text, encoding="utf-8")
    err = io.StringIO()
    with pytest.raises(SystemExit) as caught:
        call_command("estimate", path, stderr=err)
    assert caught.value.code == 2
    assert f"bad.yaml: {named}: " in err.getvalue()


def test_every_table_of_the_catalogue_is_only_ever_added_to() -> None:
    assert set(import_module("estimator.migrations.0002_kept").TABLES) == set(models.APPEND_ONLY_TABLES)
    every = {model._meta.db_table for model in apps.get_app_config("estimator").get_models()}
    assert set(models.APPEND_ONLY_TABLES) == every


@pytest.mark.parametrize("statement", ["UPDATE {} SET note = 'x'", "DELETE FROM {}"])
def test_the_database_refuses_to_rewrite_a_price(published: models.CatalogueRelease, statement: str) -> None:
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement.format("estimator_priceoffer"))
    assert models.PriceOffer.objects.exists()
