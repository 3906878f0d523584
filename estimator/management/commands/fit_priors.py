"""`manage.py fit_priors`: the utilisation priors of the catalogue, from the published runs."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from estimator.validation.priors import PRIORS_FILE, fit_priors, replace_priors
from estimator.validation.runs import RUNS_FILE, RunsError, read_runs

EXIT_BAD_INPUT = 2


class Command(BaseCommand):
    help = "Fit the utilisation priors to published runs; `manage.py load_catalogue` then publishes them."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--runs", type=Path, default=RUNS_FILE, help="CSV file with the columns of the shipped one")
        parser.add_argument("--as-of", type=date.fromisoformat, default=date(2026, 11, 22), help="day of the runs file")
        parser.add_argument("--write", action="store_true", help="write them into the data file")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            runs, _ = read_runs(options["runs"])
            if not runs:
                raise RunsError(f"{options['runs'].name}: no row is usable")
        except RunsError as error:
            self.stderr.write(str(error))
            sys.exit(EXIT_BAD_INPUT)
        rows = fit_priors(runs, options["as_of"])
        if options["write"]:
            PRIORS_FILE.write_text(replace_priors(PRIORS_FILE.read_text(encoding="utf-8"), rows), encoding="utf-8")
        for row in rows:
            self.stdout.write(f"{row['applies_to']:28} {row['p10']} {row['p50']} {row['p90']}  {row['sample_size']:>3}")
