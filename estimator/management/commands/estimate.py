"""`manage.py estimate WORKLOAD.yaml`: size one workload file with the catalogue in force."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from estimator.catalogue import NoCatalogue, current_snapshot
from estimator.core.errors import InputError
from estimator.core.estimate import estimate
from estimator.report import format_estimate
from estimator.workfile import read_work_file

EXIT_BAD_INPUT = 2


class Command(BaseCommand):
    help = "Size a workload file: GPU-hours, FLOP, memory, cost, energy, carbon and thresholds, each as an interval."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("workload", type=Path, help="YAML file; see estimator/examples/")
        parser.add_argument("--json", action="store_true", help="print JSON instead of a table")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["workload"]
        try:
            stated = read_work_file(path.read_text(encoding="utf-8"))
            on = stated.on or timezone.now().date()
            sized = estimate(
                stated.workload,
                stated.place,
                current_snapshot(),
                on=on,
                prices_own=stated.own_prices(on),
                lineage=stated.lineage,
                window_hours=stated.limits["window_hours"],
                gpu_hours_cap=stated.limits["gpu_hours_cap"],
                money_cap_usd=stated.limits["money_cap_usd"],
            )
        except InputError as error:
            for field, sentence in error.errors.items():
                self.stderr.write(f"{path.name}: {field}: {sentence}")
            sys.exit(EXIT_BAD_INPUT)
        except (OSError, UnicodeDecodeError):
            self.stderr.write(f"{path.name}: file: cannot be read as UTF-8 text")
            sys.exit(EXIT_BAD_INPUT)
        except NoCatalogue as error:
            self.stderr.write(str(error))
            sys.exit(EXIT_BAD_INPUT)
        text = json.dumps(sized.to_json(), indent=2) + "\n" if options["json"] else format_estimate(sized)
        self.stdout.write(text, ending="")
