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
from estimator.core.results.compare import LINES_DEFAULT
from estimator.core.results.exploration import explore
from estimator.report import format_estimate, format_exploration
from estimator.workfile import read_work_file

EXIT_BAD_INPUT = 2


class Command(BaseCommand):
    help = "Size a workload file: GPU-hours, FLOP, memory, cost, energy, carbon and thresholds, each as an interval."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("workload", type=Path, help="YAML file; see estimator/examples/")
        parser.add_argument("--compare", action="store_true", help="beside it: drivers, advice, and every other offer")
        parser.add_argument("--limit", type=int, default=LINES_DEFAULT, help="offers to list with --compare")
        parser.add_argument("--json", action="store_true", help="print JSON instead of a table")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["workload"]
        try:
            stated = read_work_file(path.read_text(encoding="utf-8"))
            on = stated.on or timezone.now().date()
            question = stated.question(current_snapshot(), on)
            if options["compare"]:
                found = explore(question)
                limit = max(1, options["limit"])
                text = json.dumps(found.to_json(limit), indent=2) + "\n"
                self.stdout.write(text if options["json"] else format_exploration(found, limit), ending="")
                return
            sized = question.size()
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
