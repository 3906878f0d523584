"""`manage.py load_catalogue`: publish the data files as a catalogue release."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.utils import timezone

from estimator.loader import DATA_DIR, CatalogueErrors, read_catalogue
from governance.display.numbers import count
from governance.management.base import ChannelCommand
from governance.selectors.people.people import system_actor
from governance.services.register.catalogue import publish_data_files


class Command(ChannelCommand):
    help = "Load the catalogue from its data files: all or nothing; the same data again makes no new release."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--data", type=Path, default=DATA_DIR, help="folder with the data files")

    def handle(self, *args: Any, **options: Any) -> None:
        folder: Path = options["data"]
        try:
            rows = read_catalogue(folder)
        except CatalogueErrors as errors:
            self.stderr.write(str(errors))
            self.stderr.write(f"Nothing was loaded: {len(errors.errors)} mistakes in {folder.name}.")
            sys.exit(2)
        release = publish_data_files(actor=system_actor(), rows=rows, now=timezone.now())
        if options["verbosity"] == 0:
            return
        if release is None:
            self.stdout.write("The catalogue is up to date.")
        else:
            self.stdout.write(
                f"Published release {release.number}: {count(release.row_count)} rows, "
                f"{count(release.changed_count)} changed, digest {release.digest[:12]}."
            )
