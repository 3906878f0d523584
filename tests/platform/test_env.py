"""Nonsense in the environment is refused before anything starts, all of it at once."""

from __future__ import annotations

import random
import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.env import BadEnvironment, Mode, parse_database_url, parse_email_url, parse_redis_url, read_environment

PRODUCTION = {
    "COMPTROLLER_MODE": "production",
    "SECRET_KEY": "Zk3v9QpL-x7Rt2Nw8Yb5Hs1Jd6Gf4Ma0Uc_Ei-Ko7Pz3Wq9TnVm",
    "ALLOWED_HOSTS": "compute.example.com",
    "SITE_URL": "https://compute.example.com",
    "DATABASE_URL": "postgres://app:p%40ss@db.example.com/comptroller",
    "REDIS_URL": "redis://redis.example.com",
    "EMAIL_URL": "smtp+tls://mail.example.com",
    "DEFAULT_FROM_EMAIL": "Comptroller <comptroller@example.com>",
}


def errors_of(variables: dict[str, str]) -> list[str]:
    with pytest.raises(BadEnvironment) as caught:
        read_environment(variables)
    return caught.value.errors


def test_an_empty_environment_is_the_embedded_mode() -> None:
    environment = read_environment({})
    assert environment.mode is Mode.EMBEDDED
    assert environment.database is None
    assert environment.debug is False


def test_a_named_database_means_production_unless_said_otherwise() -> None:
    named = {"DATABASE_URL": PRODUCTION["DATABASE_URL"]}
    assert any("SECRET_KEY is required in production" in error for error in errors_of(named))
    assert read_environment(named | {"COMPTROLLER_MODE": "development"}).mode is Mode.DEVELOPMENT


def test_a_complete_production_environment_is_read() -> None:
    environment = read_environment(PRODUCTION)
    assert environment.database is not None
    assert (environment.database.password, environment.database.port) == ("p@ss", 5432)
    assert environment.redis_url == "redis://redis.example.com/0"
    assert environment.email is not None
    assert (environment.email.port, environment.email.use_tls) == (587, True)
    assert environment.hsts_seconds > 0


@pytest.mark.parametrize("name", sorted(set(PRODUCTION) - {"COMPTROLLER_MODE"}))
def test_production_misses_each_required_variable(name: str) -> None:
    [error] = errors_of({key: value for key, value in PRODUCTION.items() if key != name})
    assert error.startswith(f"{name} is required in production")


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("DEBUG", "1", "DEBUG must be off in production"),
        ("SECRET_KEY", "short", "5 characters, at least 50"),
        ("SECRET_KEY", "django-insecure-" + "x1Y2z3" * 10, "looks like a default"),
        ("SECRET_KEY", "ab" * 40, "repeats a few characters"),
        ("SECRET_KEY", "x1Y2z3" * 20, "repeats a few characters"),
        ("SECRET_KEY", "a" * 52 + "xyz123!BCDEFG", "repeats itself"),
        ("SECRET_KEY", "abcdefghij0123456789" * 3, "repeats itself"),
        ("SECRET_KEY", string.ascii_letters + string.digits, "counts through the alphabet"),
        ("SECRET_KEY", "The quick brown fox jumps over 13 lazy dogs, then runs away", "reads like words"),
        ("SECRET_KEY", "my-company-compute-governance-key-for-production-2026-one", "reads like words"),
        ("SECRET_KEY", "pAssw0rd-" + "k8Qz3vT1" * 8, "looks like a default"),
        ("SECRET_KEY", "QwErTy" + "k8Qz3vT1nR5mW7xY2bC4dF6gH9jL0pS" * 2, "looks like a default"),
        ("ALLOWED_HOSTS", "*", "must name hosts"),
        ("SITE_URL", "http://compute.example.com", "https://"),
    ],
)
def test_production_refuses_settings_that_are_only_fit_for_trying(name: str, value: str, complaint: str) -> None:
    [error] = errors_of(PRODUCTION | {name: value})
    assert complaint in error
    if len(value) > 10 and name == "SECRET_KEY":
        assert value not in error


def test_a_key_drawn_at_random_is_taken() -> None:
    drawn = random.Random(7)
    django = "abcdefghijklmnopqrstuvwxyz0123456789!@#$%^&*(-_=+)"
    for alphabet, length in ((string.ascii_letters + string.digits + "-_", 86), ("0123456789abcdef", 64), (django, 50)):
        key = "".join(drawn.choice(alphabet) for _ in range(length))
        assert read_environment(PRODUCTION | {"SECRET_KEY": key}).secret_key == key


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("COMPTROLLER_MODE", "staging"),
        ("DEBUG", "maybe"),
        ("DATABASE_URL", "mysql://a:b@c/d"),
        ("DATABASE_URL", "postgres://db.example.com/comptroller"),
        ("DATABASE_URL", "postgres://app@db.example.com"),
        ("DATABASE_URL", "postgres://app@db.example.com:99999/x"),
        ("DATABASE_URL", "postgres://app@[::1/x"),
        ("REDIS_URL", "http://cache"),
        ("REDIS_URL", "redis://cache/one"),
        ("REDIS_URL", "redis://:6379"),
        ("EMAIL_URL", "mail.example.com"),
        ("PG_POOL", "-1"),
        ("PG_POOL", "lots"),
        ("PG_POOL", "100000000000000000000000"),
        ("PG_POOL", "1_0"),
        ("PG_POOL", "٣"),
        ("PG_POOL", "+5"),
        ("PG_POOL", "5.0"),
        ("HSTS_SECONDS", "1e9"),
        ("PASSWORD_LINK_HOURS", "0"),
        ("SECOND_OFFICER_DAYS", "366"),
        ("CONSENT_DAYS_MIN", "91"),
        ("LIST_PRICE_DAYS_MAX", "0"),
        ("LOG_JSON", "T"),
        ("BEHIND_TLS_PROXY", "2"),
        ("COMPTROLLER_DEMONSTRATION", "none"),
        ("ORGANISATION_TIME_ZONE", "Dublin/Europe"),
        ("ORGANISATION_TIME_ZONE", "../etc/passwd"),
        ("CACHE_URL", "memory://"),
        ("EMAIL_URL", "smtp://mail.example.com:0"),
        ("ALLOWED_HOSTS", "https://compute.example.com"),
        ("ALLOWED_HOSTS", ","),
        ("CSRF_TRUSTED_ORIGINS", "compute.example.com"),
        ("SITE_URL", "compute.example.com"),
        ("SITE_URL", "https://compute.example.com/path"),
        ("COMPTROLLER_DATA", "relative/folder"),
        ("COMPTROLLER_DATA", __file__),
        ("COMPTROLLER_DATABASE_ROLE", "superuser"),
        ("LOG_LEVEL", "LOUD"),
        ("DEFAULT_FROM_EMAIL", "nobody"),
    ],
)
def test_nonsense_is_refused_by_name(name: str, value: str) -> None:
    errors = errors_of({"COMPTROLLER_MODE": "development"} | {name: value})
    assert len(errors) == 1
    assert errors[0].startswith(f"{name} ")
    # What was given, unless it may hold a password, and what to give instead.
    assert f"`{value}`" in errors[0] or "_URL" in name or f"`{value.split('://')[0]}" in errors[0]
    assert re.search(r"must be|must start|looks like|as in|give|name a folder|such as|belongs", errors[0]), errors[0]


def test_all_mistakes_are_reported_together() -> None:
    errors = errors_of({"COMPTROLLER_MODE": "test", "DEBUG": "x", "PG_POOL": "x", "LOG_LEVEL": "x"})
    assert [error.split()[0] for error in errors] == ["DEBUG", "PG_POOL", "LOG_LEVEL"]


def test_the_owner_role_needs_an_owner() -> None:
    [error] = errors_of({"COMPTROLLER_DATABASE_ROLE": "owner"})
    assert "needs DATABASE_OWNER_URL" in error


def test_passwords_are_never_repeated_in_an_error() -> None:
    for url in ("mysql://app:hunter2@db/x", "postgres://app:hunter2@db", "postgres://app:hunter2@db:0/x"):
        [error] = errors_of({"COMPTROLLER_MODE": "test", "DATABASE_URL": url})
        assert "hunter2" not in error


@given(st.sampled_from(["", "smtp://", "redis://", "postgres://"]), st.text(max_size=60))
def test_any_text_is_either_read_or_refused_with_a_sentence(scheme: str, text: str) -> None:
    for parse in (parse_database_url, parse_redis_url, parse_email_url):
        complaint = "read"
        try:
            parse(scheme + text)
        except ValueError as error:
            complaint = str(error)
        assert complaint
