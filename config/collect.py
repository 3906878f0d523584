"""Gather and compress static files as production serves them: `python -m config.collect`.

An image is built where there are no secrets and no servers, so this runs with a made-up
production environment, which it does not connect to.
"""

from __future__ import annotations

import os
import sys

from config.checks import PRODUCTION


def main() -> int:
    os.environ.update(PRODUCTION)
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    import django
    from django.core.management import call_command

    django.setup()
    call_command("collectstatic", interactive=False, verbosity=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
