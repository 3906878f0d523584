"""`manage.py validate_estimator`: predict the GPU-hours of published runs, each developer held out."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from estimator.validation.report import format_validation, validate_file
from estimator.validation.runs import RUNS_FILE, RunsError

EXIT_BAD_INPUT = 2


class Command(BaseCommand):
    help = "Validate the GPU-hours of the estimator on published training runs, leaving each developer out in turn."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--runs", type=Path, default=RUNS_FILE, help="CSV file with the columns of the shipped one")
        parser.add_argument("--json", action="store_true", help="print JSON instead of a table")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            validation = validate_file(options["runs"])
        except RunsError as error:
            self.stderr.write(str(error))
            sys.exit(EXIT_BAD_INPUT)
        text = json.dumps(validation.to_json(), indent=2) + "\n" if options["json"] else format_validation(validation)
        self.stdout.write(text, ending="")
