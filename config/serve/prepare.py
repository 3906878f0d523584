"""Bring the database up to date in one process: tables, rights, catalogue, demonstration.

`python -m config.serve.prepare [--demonstration]`, with `DATABASE_OWNER_URL` and `DATABASE_URL`
set. Migrations run as the owner; everything after them runs as the app role, which proves
at every start that its rights suffice.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


@contextmanager
def _step(name: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    print(f"  {name} ({time.monotonic() - began:.1f} s)", flush=True)


def prepare(*, with_demonstration: bool) -> None:
    """Migrate, grant, load. Every step is safe to repeat."""
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import CommandError, call_command
    from django.db import connection, transaction

    from config.database import postgres
    from config.roles import grant_app_role
    from governance.models import APPEND_ONLY_TABLES

    environment = settings.ENV
    if environment.database is None or environment.database_owner is None:
        raise SystemExit("config.serve.prepare needs DATABASE_URL (the app role) and DATABASE_OWNER_URL")

    with _step("tables"):
        connection.settings_dict.update(postgres(environment.database_owner, patient=True))
        try:
            call_command("migrate", interactive=False, verbosity=0)
        except CommandError as refusal:
            raise SystemExit(str(refusal)) from None
        with transaction.atomic():
            grant_app_role(connection, environment.database.user, APPEND_ONLY_TABLES)
    connection.close()
    connection.settings_dict.update(postgres(environment.database, patient=True))
    with _step("catalogue"):
        call_command("load_catalogue", verbosity=0)
    if with_demonstration:
        # Before the policies: in the demonstration they have been in force for a year.
        with _step("demonstration organisation"):
            call_command("load_demonstration", first_start=True, verbosity=0)
        _write_accounts(environment.data_dir)
    with _step("policies"):
        call_command("install_policies", verbosity=0)
    connection.close()


def _write_accounts(data_dir: Path) -> None:
    """Leave the demonstration's accounts for the launcher's last lines."""
    from governance.selectors.people.accounts import offered_accounts

    offered = offered_accounts()
    if offered is None:
        return
    accounts = [{"name": f"{user.person.name}, {user.person.job_title}", "email": user.email} for user in offered.first]
    told = {"accounts": accounts, "more": len(offered.others), "password": offered.password}
    (data_dir / "accounts.json").write_text(json.dumps(told), encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m config.serve.prepare", description=__doc__)
    parser.add_argument("--demonstration", action="store_true", help="load the demonstration organisation too")
    prepare(with_demonstration=parser.parse_args().demonstration)
    return 0


if __name__ == "__main__":
    sys.exit(main())
