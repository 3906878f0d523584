"""`make check`: every check runs, also after one has failed; the last lines say which did."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from config.env import BASE_DIR

BIN = Path(sys.executable).parent

PRODUCTION = {
    "COMPTROLLER_MODE": "production",
    "SECRET_KEY": "Zk3v9QpL-x7Rt2Nw8Yb5Hs1Jd6Gf4Ma0Uc_Ei-Ko7Pz3Wq9TnVm",
    "ALLOWED_HOSTS": "compute.example.com",
    "SITE_URL": "https://compute.example.com",
    "DATABASE_URL": "postgres://app:unused@db.example.com/comptroller",
    "REDIS_URL": "redis://redis.example.com:6379/0",
    "EMAIL_URL": "smtp+tls://mail.example.com:587",
    "DEFAULT_FROM_EMAIL": "Comptroller <comptroller@example.com>",
}
"""A complete production environment, made up: `check --deploy` connects to nothing."""


def python(*arguments: str) -> list[str]:
    return [sys.executable, *arguments]


def program(name: str, *arguments: str) -> list[str]:
    return [str(BIN / name), *arguments]


CHECKS: tuple[tuple[str, list[str], dict[str, str]], ...] = (
    ("style", program("ruff", "check", "."), {}),
    ("layout", program("ruff", "format", "--check", "."), {}),
    ("types", program("mypy"), {}),
    ("import contracts", program("lint-imports", "--no-cache"), {}),
    (
        "migrations",
        python("-W", "ignore::RuntimeWarning", "manage.py", "makemigrations", "--check", "--dry-run"),
        {"COMPTROLLER_MODE": "test"},
    ),
    ("production settings", python("manage.py", "check", "--deploy", "--fail-level", "WARNING"), PRODUCTION),
    ("templates", program("djlint", "templates", "--lint", "--quiet"), {}),
    ("words", python("-m", "config.words"), {}),
)


def main() -> int:
    """Run all checks, or those named on the command line."""
    wanted = set(sys.argv[1:])
    results: list[tuple[str, bool, float]] = []
    own = {name: value for name, value in os.environ.items() if name not in PRODUCTION}
    for name, command, variables in CHECKS:
        if wanted and name not in wanted:
            continue
        print(f"== {name}", flush=True)
        began = time.monotonic()
        ended = subprocess.run(command, cwd=BASE_DIR, env=own | variables, check=False)
        results.append((name, ended.returncode == 0, time.monotonic() - began))
    print("")
    for name, passed, seconds in results:
        print(f"  {'ok    ' if passed else 'FAILED'} {name} ({seconds:.1f} s)")
    failed = [name for name, passed, _ in results if not passed]
    print(f"{len(results) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
