"""`manage.py validate_estimator`: predict the GPU-hours of published runs, each developer held out."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from estimator.validation.plot import calibration_svg
from estimator.validation.report import format_validation, validate_file
from estimator.validation.runs import RUNS_FILE, Run, RunsError, read_runs
from estimator.validation.scores import score
from estimator.validation.simulate import simulate

EXIT_BAD_INPUT = 2


class Command(BaseCommand):
    help = "Validate the GPU-hours of the estimator on published training runs, leaving each developer out in turn."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--runs", type=Path, default=RUNS_FILE, help="CSV file with the columns of the shipped one")
        parser.add_argument("--simulate", type=int, metavar="N", help="try it on N made-up histories instead")
        parser.add_argument("--plot", type=Path, metavar="FILE.svg", help="also draw the runs in scope")
        parser.add_argument("--json", action="store_true", help="print JSON instead of a table")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["simulate"]:
                runs, _ = read_runs(options["runs"])
                self._simulate(runs, options["simulate"])
                return
            validation = validate_file(options["runs"])
        except RunsError as error:
            self.stderr.write(str(error))
            sys.exit(EXIT_BAD_INPUT)
        if options["plot"]:
            title = "GPU-hours of published runs, each developer held out"
            options["plot"].write_text(calibration_svg(validation.in_scope, title), encoding="utf-8")
        text = json.dumps(validation.to_json(), indent=2) + "\n" if options["json"] else format_validation(validation)
        self.stdout.write(text, ending="")

    def _simulate(self, runs: Sequence[Run], histories: int) -> None:
        """Print what the procedure achieves where the truth follows its own model."""
        pooled = score([each for predictions in simulate(runs, histories) for each in predictions])
        self.stdout.write(
            f"{histories} histories, {pooled.n} predictions: median error {pooled.median_abs_error:.1%}, coverage "
            f"{pooled.coverage_80:.1%}, half width ×{pooled.half_width_factor:.2f}, score {pooled.interval_score:.2f}"
        )
