"""The process environment, read once into one typed value.

Every variable that the product understands is read here and nowhere else. Nonsense is
refused before anything starts, and all mistakes are reported together.
"""

from __future__ import annotations

import re
import secrets
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from typing import TypeVar
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

BASE_DIR = Path(__file__).resolve().parent.parent

SECRET_KEY_LENGTH_MIN = 50
"""Characters; shorter keys are guessable or were typed by hand."""

SECRET_KEY_SYMBOLS_MIN = 11
"""Different characters; a random key of hexadecimal digits has about 16."""

SECRET_KEY_PACKED_MIN = 32
"""Bytes that remain of it when it is compressed: 256 bits, which 50 random characters of any alphabet have."""

WEAK_SECRET_MARKERS = (
    "insecure", "change-me", "change_me", "changeme", "secret-key", "secret_key", "secretkey", "your-secret",
    "your_secret", "yoursecret", "supersecret", "password", "passw0rd", "default", "example", "placeholder",
    "replace-me", "replaceme", "comptroller", "letmein", "qwerty", "asdfgh", "iloveyou", "tests-only",
)  # fmt: skip

Value = TypeVar("Value")


class Mode(StrEnum):
    """How this process runs: which servers it may assume and how strict it is."""

    EMBEDDED = "embedded"
    """`make run`: PostgreSQL and Valkey from their wheels, on this machine only."""
    DEVELOPMENT = "development"
    """Real servers, a developer's settings."""
    TEST = "test"
    PRODUCTION = "production"


class BadEnvironment(Exception):
    """One or more variables hold nonsense. `errors` has one sentence for each."""

    def __init__(self, errors: list[str]) -> None:
        self.errors = errors
        super().__init__("the environment is not usable:\n" + "\n".join(f"  - {error}" for error in errors))


@dataclass(frozen=True, slots=True)
class DatabaseUrl:
    """`postgres://user:password@host:port/name?sslmode=…`, taken apart."""

    host: str
    port: int
    name: str
    user: str
    password: str
    parameters: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class EmailUrl:
    """`smtp://`, `smtp+tls://` (STARTTLS) or `smtps://` with user, password, host and port."""

    host: str
    port: int
    user: str
    password: str
    use_tls: bool
    use_ssl: bool


@dataclass(frozen=True, slots=True)
class Environment:
    """Everything the process was told from outside."""

    mode: Mode
    debug: bool
    secret_key: str
    allowed_hosts: tuple[str, ...]
    csrf_trusted_origins: tuple[str, ...]
    site_url: str
    database: DatabaseUrl | None
    database_owner: DatabaseUrl | None
    as_owner: bool
    pool_size: int
    redis_url: str | None
    cache_url: str | None
    email: EmailUrl | None
    default_from_email: str
    data_dir: Path
    behind_tls_proxy: bool
    hsts_seconds: int
    link_hours: int
    """How long a link to set a password or confirm an address lives."""
    second_officer_days: int
    consent_days_min: int
    log_level: str
    log_json: bool
    organisation_time_zone: str
    """IANA zone of the working day: approvals are due at 17:00 there."""
    list_price_days_max: int
    """Days after which a list price alone no longer lets a request be approved automatically."""
    demonstration: bool
    """Whether `make run` loads the demonstration organisation into its own, empty database."""


def read_environment(variables: Mapping[str, str]) -> Environment:
    """Read and check all variables.

    Args:
        variables: usually `os.environ`; an empty value counts as absent.

    Raises:
        BadEnvironment: with one sentence per mistake, all of them at once.
    """
    reader = _Reader({name: value.strip() for name, value in variables.items() if value.strip()})
    database = reader.read("DATABASE_URL", parse_database_url, None)
    default_mode = Mode.PRODUCTION if "DATABASE_URL" in reader.variables else Mode.EMBEDDED
    mode = reader.read("COMPTROLLER_MODE", _parse_mode, default_mode)
    is_production = mode is Mode.PRODUCTION
    redis_url = reader.read("REDIS_URL", parse_redis_url, None)

    environment = Environment(
        mode=mode,
        debug=reader.read("DEBUG", _parse_bool, False),
        secret_key=reader.read("SECRET_KEY", str, "") or _ephemeral_secret(is_production),
        allowed_hosts=reader.read("ALLOWED_HOSTS", _parse_hosts, () if is_production else _LOCAL_HOSTS),
        csrf_trusted_origins=reader.read("CSRF_TRUSTED_ORIGINS", _parse_origins, ()),
        site_url=reader.read("SITE_URL", _parse_site_url, "http://127.0.0.1:8000"),
        database=database,
        database_owner=reader.read("DATABASE_OWNER_URL", parse_database_url, None),
        as_owner=reader.read("COMPTROLLER_DATABASE_ROLE", _parse_role, False),
        pool_size=reader.read("PG_POOL", _parse_int(0, 200), 0),
        redis_url=redis_url,
        cache_url=reader.read("CACHE_URL", parse_redis_url, redis_url),
        email=reader.read("EMAIL_URL", parse_email_url, None),
        default_from_email=reader.read("DEFAULT_FROM_EMAIL", _parse_sender, "Comptroller <comptroller@localhost>"),
        data_dir=reader.read("COMPTROLLER_DATA", _parse_folder, BASE_DIR / "var"),
        behind_tls_proxy=reader.read("BEHIND_TLS_PROXY", _parse_bool, False),
        hsts_seconds=reader.read("HSTS_SECONDS", _parse_int(0, 126_144_000), 31_536_000 if is_production else 0),
        link_hours=reader.read("PASSWORD_LINK_HOURS", _parse_int(1, 168), 48),
        second_officer_days=reader.read("SECOND_OFFICER_DAYS", _parse_int(1, 365), 30),
        consent_days_min=reader.read("CONSENT_DAYS_MIN", _parse_int(1, 90), 7),
        log_level=reader.read("LOG_LEVEL", _parse_log_level, "INFO"),
        log_json=reader.read("LOG_JSON", _parse_bool, is_production),
        organisation_time_zone=reader.read("ORGANISATION_TIME_ZONE", _parse_zone, "UTC"),
        list_price_days_max=reader.read("LIST_PRICE_DAYS_MAX", _parse_int(1, 3_650), 180),
        demonstration=reader.read("COMPTROLLER_DEMONSTRATION", _parse_bool, True),
    )
    reader.errors += _contradictions(environment, reader.variables)
    if reader.errors:
        raise BadEnvironment(reader.errors)
    return environment


def _contradictions(environment: Environment, variables: Mapping[str, str]) -> list[str]:
    """What each variable alone cannot show: settings that production must not start with."""
    errors = []
    if environment.as_owner and environment.database_owner is None:
        errors.append("COMPTROLLER_DATABASE_ROLE=owner needs DATABASE_OWNER_URL")
    if environment.mode is not Mode.PRODUCTION:
        return errors
    for name in ("DATABASE_URL", "REDIS_URL", "EMAIL_URL", "SITE_URL", "DEFAULT_FROM_EMAIL"):
        if name not in variables:
            errors.append(f"{name} is required in production")
    if "SECRET_KEY" not in variables:
        errors.append("SECRET_KEY is required in production")
    elif weakness := _weakness(environment.secret_key):
        errors.append(
            f"SECRET_KEY {weakness}; make one with `python -c 'import secrets; print(secrets.token_urlsafe(64))'`"
        )
    if environment.debug:
        errors.append("DEBUG must be off in production: it shows settings and source to anyone who meets an error")
    if not environment.allowed_hosts and "ALLOWED_HOSTS" not in variables:
        errors.append("ALLOWED_HOSTS is required in production: the host names that people type, separated by commas")
    if "*" in environment.allowed_hosts:
        errors.append("ALLOWED_HOSTS must name hosts in production, not `*`: links in mails are built from them")
    if "SITE_URL" in variables and not environment.site_url.startswith("https://"):
        errors.append("SITE_URL must start with https:// in production: session cookies are sent over TLS only")
    return errors


_WORDS = re.compile("[A-Z]?[a-z]{3,}|[A-Z]{4,}")


def _weakness(secret_key: str) -> str | None:
    """What is wrong with a key, as the end of a sentence that never repeats it; None when it could be a random one."""
    if len(secret_key) < SECRET_KEY_LENGTH_MIN:
        return f"has {len(secret_key)} characters, at least {SECRET_KEY_LENGTH_MIN} are needed"
    if any(marker in secret_key.lower() for marker in WEAK_SECRET_MARKERS):
        return "looks like a default from an example"
    if len(set(secret_key)) < SECRET_KEY_SYMBOLS_MIN:
        return "repeats a few characters"
    # Level 9 without the eleven bytes that zlib puts around anything.
    if len(zlib.compress(secret_key.encode(), 9)) - 11 < SECRET_KEY_PACKED_MIN:
        return "repeats itself, so there is little to guess"
    steps = [ord(right) - ord(left) for left, right in pairwise(secret_key)]
    if sum(abs(step) <= 1 for step in steps) > len(steps) / 2:
        return "counts through the alphabet or repeats characters"
    if sum(map(len, _WORDS.findall(secret_key))) > 0.75 * len(secret_key) or " " in secret_key:
        return "reads like words"
    if not (any(map(str.isdigit, secret_key)) and any(map(str.isalpha, secret_key))):
        return "has no digits or no letters: it was typed, not drawn at random"
    return None


def _ephemeral_secret(is_production: bool) -> str:
    """Outside production a process without a key makes its own; production has none to fall back on."""
    return "" if is_production else secrets.token_urlsafe(64)


class _Reader:
    """Parses one variable after another and remembers what was wrong."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self.variables = variables
        self.errors: list[str] = []

    def read(self, name: str, parse: Callable[[str], Value], default: Value) -> Value:
        text = self.variables.get(name)
        if text is None:
            return default
        try:
            return parse(text)
        except ValueError as error:
            self.errors.append(f"{name} {error}")
            return default


_LOCAL_HOSTS = ("localhost", "127.0.0.1", "[::1]")
_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})
_LOG_LEVELS = frozenset({"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"})


def parse_database_url(text: str) -> DatabaseUrl:
    """Take a PostgreSQL URL apart. The password is never repeated in an error."""
    parts = _split(text, schemes=("postgres", "postgresql"))
    name = unquote(parts.path.removeprefix("/"))
    if not parts.hostname:
        raise ValueError("names no host, as in postgres://user:password@db.example.com:5432/comptroller")
    if not name or "/" in name:
        raise ValueError("names no database after the host, as in postgres://…/comptroller")
    if not parts.username:
        raise ValueError("names no user before the host, as in postgres://user:password@…")
    return DatabaseUrl(
        host=parts.hostname,
        port=_port(parts, 5432),
        name=name,
        user=unquote(parts.username),
        password=unquote(parts.password or ""),
        parameters=tuple(parse_qsl(parts.query, strict_parsing=bool(parts.query))),
    )


def parse_redis_url(text: str) -> str:
    """Check a Redis URL and give it back with its database number written out."""
    parts = _split(text, schemes=("redis", "rediss"))
    if not parts.hostname:
        raise ValueError("names no host, as in redis://cache.example.com:6379/0")
    number = parts.path.strip("/") or "0"
    if not number.isascii() or not number.isdigit():
        raise ValueError(f"has `{number}` where the number of a database belongs, as in redis://…:6379/0")
    _port(parts, 6379)
    return parts._replace(path=f"/{int(number)}").geturl()


def parse_email_url(text: str) -> EmailUrl:
    """Take an SMTP URL apart."""
    parts = _split(text, schemes=("smtp", "smtp+tls", "smtps"))
    if not parts.hostname:
        raise ValueError("names no host, as in smtp+tls://user:password@mail.example.com:587")
    default_port = {"smtp": 25, "smtp+tls": 587, "smtps": 465}[parts.scheme]
    return EmailUrl(
        host=parts.hostname,
        port=_port(parts, default_port),
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        use_tls=parts.scheme == "smtp+tls",
        use_ssl=parts.scheme == "smtps",
    )


def _split(text: str, schemes: tuple[str, ...]) -> SplitResult:
    try:
        parts = urlsplit(text)
    except ValueError:
        raise ValueError(f"is not a URL; it looks like {schemes[0]}://host") from None
    if parts.scheme not in schemes:
        expected = " or ".join(f"{scheme}://" for scheme in schemes)
        # What follows may be a password.
        begins = f"starts with `{parts.scheme}://`" if text.startswith(f"{parts.scheme}://") else "is not a URL"
        raise ValueError(f"{begins}; it must start with {expected}")
    return parts


def _port(parts: SplitResult, default: int) -> int:
    try:
        port = parts.port
    except ValueError:
        raise ValueError("has no usable port; it must be a number from 1 to 65535") from None
    if port == 0:
        raise ValueError("has port 0; it must be a number from 1 to 65535")
    return port or default


def _parse_mode(text: str) -> Mode:
    try:
        return Mode(text)
    except ValueError:
        raise ValueError(f"is `{text}`; it must be one of {', '.join(Mode)}") from None


def _parse_role(text: str) -> bool:
    if text not in ("app", "owner"):
        raise ValueError(f"is `{text}`; it must be app or owner")
    return text == "owner"


def _parse_bool(text: str) -> bool:
    if text.lower() in _TRUE:
        return True
    if text.lower() in _FALSE:
        return False
    raise ValueError(f"is `{text}`; it must be 1 or 0")


def _parse_int(minimum: int, maximum: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not minimum <= int(text) <= maximum:
            raise ValueError(f"is `{text}`; it must be a whole number from {minimum} to {maximum}")
        return int(text)

    return parse


def _parse_zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"is `{text[:40]}`; it must be an IANA time zone, such as Europe/Dublin") from None
    return text


def _parse_list(text: str) -> tuple[str, ...]:
    return tuple(item.strip() for item in text.split(",") if item.strip())


def _parse_hosts(text: str) -> tuple[str, ...]:
    hosts = _parse_list(text)
    if not hosts:
        raise ValueError(f"is `{text}`, which names no host; give host names, separated by commas")
    for host in hosts:
        if "/" in host or " " in host or (":" in host and not host.startswith("[")):
            raise ValueError(f"has `{host}`; give host names only, without scheme, port or path")
    return hosts


def _parse_origins(text: str) -> tuple[str, ...]:
    origins = _parse_list(text)
    for origin in origins:
        if not origin.startswith(("https://", "http://")):
            raise ValueError(f"has `{origin}`; an origin must start with https:// (or http://)")
    return origins


def _parse_site_url(text: str) -> str:
    parts = _split(text, schemes=("https", "http"))
    if not parts.hostname or parts.query or parts.fragment or parts.path.strip("/"):
        raise ValueError(f"is `{text}`; it must be scheme and host only, as in https://compute.example.com")
    _port(parts, 443)
    return text.rstrip("/")


def _parse_sender(text: str) -> str:
    if "@" not in text or "\n" in text or "\r" in text:
        raise ValueError(f"is `{text}`; it must be an address, as in Comptroller <comptroller@example.com>")
    return text


def _parse_folder(text: str) -> Path:
    folder = Path(text).expanduser()
    if not folder.is_absolute():
        raise ValueError(f"is `{text}`; it must be an absolute path")
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"is `{text}`, which is a file; name a folder")
    return folder


def _parse_log_level(text: str) -> str:
    if text.upper() not in _LOG_LEVELS:
        raise ValueError(f"is `{text}`; it must be one of {', '.join(sorted(_LOG_LEVELS))}")
    return text.upper()
