#!/usr/bin/env python
"""Django's command line for this project."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.core.management import execute_from_command_line

    from config.serve.endpoints import join_running_servers

    join_running_servers(os.environ)
    from django.db import OperationalError

    try:
        execute_from_command_line(sys.argv)
    except OperationalError:
        from django.conf import settings

        if settings.DATABASES["default"]["NAME"] != settings.NO_DATABASE.name:
            raise
        sys.stderr.write(
            f"manage.py: no product runs on the data folder `{settings.DATA_DIR}`, so there is no database. "
            "Start it with `make run`, or name another folder in COMPTROLLER_DATA or a database in DATABASE_URL.\n"
        )
        sys.exit(2)


if __name__ == "__main__":
    main()
