"""`manage.py import_skypilot FILE.csv`: a SkyPilot catalogue of one provider as dated prices."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from datetime import date
from pathlib import Path
from typing import Any

from django.utils import timezone

from estimator.models import Accelerator, AcceleratorAlias, Provider
from estimator.skypilot import SkyPilotError, read_prices
from governance.management.base import ChannelCommand
from governance.selectors.people.people import system_actor
from governance.services.register.catalogue import publish_price_list

EXIT_BAD_INPUT = 2


class Command(ChannelCommand):
    help = "Import a SkyPilot-format catalogue of one provider as a dated price source."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--provider", required=True, help="short name of the catalogue, such as aws")
        parser.add_argument("--as-of", type=date.fromisoformat, required=True, help="day on which the list was made")
        parser.add_argument("--source", required=True, help="where the file comes from")
        parser.add_argument("--licence", default="not verified")
        parser.add_argument("--dry-run", action="store_true", help="read and count, publish nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        provider = options["provider"]
        if not Provider.objects.in_force().filter(slug=provider).exists():
            self._refuse(f"provider: `{provider[:80]}` is not in the catalogue")
        try:
            found = read_prices(
                options["file"].read_text(encoding="utf-8"),
                provider=provider,
                as_of=options["as_of"],
                source=options["source"],
                licence=options["licence"],
                names=_names(),
            )
        except (OSError, UnicodeDecodeError):
            self._refuse(f"{options['file'].name}: cannot be read as UTF-8 text")
        except SkyPilotError as error:
            self._refuse(f"{options['file'].name}: {error}")
        for reason, count in found.left_out.items():
            self.stdout.write(f"{count:7,} rows or cells left out: {reason}")
        if options["dry_run"]:
            self.stdout.write(f"{len(found.prices):7,} prices read; nothing is published.")
            return
        release = publish_price_list(
            actor=system_actor(),
            provider=provider,
            prices=found.prices,
            as_of=options["as_of"],
            note=f"SkyPilot catalogue of {provider}, {options['as_of']}",
            now=timezone.now(),
        )
        outcome = "the catalogue had them already" if release is None else f"published as release {release.number}"
        self.stdout.write(f"{len(found.prices):7,} prices read; {outcome}.")

    def _refuse(self, sentence: str) -> None:
        self.stderr.write(sentence)
        sys.exit(EXIT_BAD_INPUT)


def _names() -> dict[str, str]:
    """Printed names in lower case to slugs: the catalogue's own names, and aliases that need no hint."""
    names = {
        alias.printed.lower(): alias.accelerator for alias in AcceleratorAlias.objects.in_force() if not alias.hint
    }
    for part in Accelerator.objects.in_force():
        names |= {part.slug: part.slug, part.name.lower(): part.slug}
    return names
