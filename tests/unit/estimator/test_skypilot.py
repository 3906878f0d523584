"""SkyPilot catalogues: what prices an accelerator and what does not."""

from __future__ import annotations

from datetime import date
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from estimator.catalogue import current_snapshot
from estimator.models import CatalogueRelease
from estimator.skypilot import COLUMNS, Imported, SkyPilotError, read_prices
from governance.models import AuditEvent

HEADER = ",".join(COLUMNS)
NAMES = {"l4": "l4", "a10g": "a10g"}


def read(*lines: str) -> Imported:
    return read_prices(
        "\n".join((HEADER, *lines)),
        provider="aws",
        as_of=date(2026, 11, 1),
        source="a catalogue",
        licence="",
        names=NAMES,
    )


def test_a_node_is_priced_per_accelerator_on_demand_and_spot() -> None:
    found = read("p5.48xlarge,192,2048,H100,8,,us-east-1,us-east-1a,98.32,24.00")
    prices = {row["price_term"]: float(row["usd_per_gpu_hour"]) for row in found.prices}
    assert prices == {"on_demand": 12.29, "spot": 3.0}
    assert {row["accelerator"] for row in found.prices} == {"h100-sxm5-80gb"}
    assert {row["as_of"] for row in found.prices} == {date(2026, 11, 1)}


def test_a_host_alone_never_prices_an_accelerator() -> None:
    found = read("m7i.large,2,8,,,,us-east-1,us-east-1a,0.10,0.04", "a2-highgpu-1g,12,85,,,,us-c1,us-c1-a,0.739,0.2")
    assert found.prices == ()
    assert found.left_out == {"host alone, no accelerator": 2}


def test_the_host_of_the_same_instance_is_added() -> None:
    """Google's lists print the accelerator and the machine around it in two rows."""
    found = read(
        "a2-highgpu-1g,12,85,,,,us-central1,us-central1-a,0.739,0.222",
        "a2-highgpu-1g,12,85,A100,1,,us-central1,us-central1-a,2.934,0.880",
    )
    prices = {row["price_term"]: float(row["usd_per_gpu_hour"]) for row in found.prices}
    assert prices == {"on_demand": pytest.approx(3.673), "spot": pytest.approx(1.102)}
    assert all("host" in row["note"] for row in found.prices)


def test_the_dearest_zone_of_a_region_is_kept() -> None:
    found = read(
        "g6.xlarge,4,16,L4,1,,us-east-1,us-east-1a,0.80,0.30", "g6.xlarge,4,16,L4,1,,us-east-1,us-east-1b,0.80,0.41"
    )
    assert [float(row["usd_per_gpu_hour"]) for row in found.prices] == [0.80, 0.41]


def test_memory_settles_which_part_a_name_means() -> None:
    assert {row["accelerator"] for row in read("x,1,1,A100,1,,r,z,3,1").prices} == {"a100-sxm4-40gb"}
    assert read("x,1,1,Abacus,1,,r,z,3,1").left_out == {"unknown accelerator `Abacus`": 1}


def test_a_missing_spot_price_is_no_price() -> None:
    found = read("g5.xlarge,4,16,A10G,1,,us-east-1,us-east-1a,1.006,")
    assert [row["price_term"] for row in found.prices] == ["on_demand"]
    assert found.left_out == {"no SpotPrice": 1}


@pytest.mark.parametrize("cell", ["cheap", "inf", "1e9"])
def test_a_cell_that_is_no_price_stops_the_import(cell: str) -> None:
    with pytest.raises(SkyPilotError, match="line 2: Price"):
        read(f"g5.xlarge,4,16,A10G,1,,us-east-1,us-east-1a,{cell},")


def test_a_file_of_other_columns_is_refused() -> None:
    with pytest.raises(SkyPilotError, match="AcceleratorName"):
        read_prices("a,b\n1,2\n", provider="aws", as_of=date(2026, 1, 1), source="s", licence="", names={})


@pytest.mark.django_db
def test_an_import_publishes_dated_prices_once(tmp_path: Path) -> None:
    path = tmp_path / "aws.csv"
    path.write_text(f"{HEADER}\np5.48xlarge,192,2048,H100,8,,us-east-1,us-east-1a,80.00,\n", encoding="utf-8")
    options = {"provider": "aws", "as_of": date(2026, 11, 2), "source": "a catalogue"}
    call_command("import_skypilot", str(path), stdout=StringIO(), **options)
    found = [row for row in current_snapshot().prices if row.slug.startswith("sky-aws")]
    assert [(row.usd_per_gpu_hour, row.as_of, row.region) for row in found] == [(10.0, date(2026, 11, 2), "us-east-1")]
    count = CatalogueRelease.objects.count()
    event = AuditEvent.objects.latest("seq")
    assert (event.action, event.data["origin"], event.data["provider"]) == ("catalogue.released", "price_list", "aws")
    assert (event.data["as_of"], event.data["changed"]) == ("2026-11-02", 1)
    call_command("import_skypilot", str(path), stdout=StringIO(), **options)
    assert CatalogueRelease.objects.count() == count
    assert AuditEvent.objects.latest("seq") == event
