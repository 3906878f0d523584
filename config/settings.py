"""All settings, in one file; what differs between machines comes from `config/env.py`.

Three shapes share it: `make run` (embedded), a developer's or the tests' servers, and
production. The differences are few and each is written where it applies.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from csp.constants import NONCE, NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from config.database import postgres
from config.env import BASE_DIR, BadEnvironment, DatabaseUrl, Mode, read_environment

try:
    ENV = read_environment(os.environ)
except BadEnvironment as error:
    raise ImproperlyConfigured(str(error)) from None

IS_PRODUCTION = ENV.mode is Mode.PRODUCTION
IS_EMBEDDED = ENV.mode is Mode.EMBEDDED
IS_TEST = ENV.mode is Mode.TEST

DEBUG = ENV.debug
SECRET_KEY = ENV.secret_key
ALLOWED_HOSTS = list(ENV.allowed_hosts)
CSRF_TRUSTED_ORIGINS = list(ENV.csrf_trusted_origins)
SITE_URL = ENV.site_url
"""Scheme and host of every link in a mail."""
DATA_DIR = ENV.data_dir
MAILBOX_DIR = DATA_DIR / "mailbox" if IS_EMBEDDED else None
"""Maildir of the local SMTP server; there is a mailbox page only where this is set."""
ORGANISATION_TIME_ZONE = ENV.organisation_time_zone
"""Zone of the working day: approvals are due at 17:00 there, and every page shows that instant in the reader's zone."""
LIST_PRICE_DAYS_MAX = ENV.list_price_days_max
"""Days after which a list price alone no longer lets a request be approved automatically."""

# ---------------------------------------------------------------------------- parts

INSTALLED_APPS = [
    "unfold",  # before django.contrib.admin: its templates take the place of the stock ones
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "csp",
    "django_htmx",
    "django_filters",
    "allauth",
    "allauth.account",
    "rest_framework",
    "knox",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "estimator",
    "governance",
]

MIDDLEWARE = [
    "governance.api.middleware.ProblemsMiddleware",  # outside all others: it words their refusals under /api/, too
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.http.security.NoStoreMiddleware",
    "csp.middleware.CSPMiddleware",
    "config.http.security.PolicyByPlaceMiddleware",
    "config.http.forms.FieldsByPageMiddleware",
    "config.http.channels.ChannelMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "config.http.security.SlashMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
            ],
        },
    },
]

# ------------------------------------------------------------------------- database

NO_DATABASE = DatabaseUrl(host="127.0.0.1", port=1, name="none", user="none", password="")
"""What commands that read no rows (makemigrations, collectstatic, mypy) are given."""

DATABASES = {
    "default": postgres(ENV.database_owner, patient=True)
    if ENV.as_owner and ENV.database_owner
    else postgres(ENV.database or NO_DATABASE, pool_size=ENV.pool_size),
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# ------------------------------------------------------------------ cache and queue

CACHES: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "config.cache.ForgivingRedisCache",
        "LOCATION": ENV.cache_url,
        "KEY_PREFIX": "comptroller",
        "TIMEOUT": 300,
        "OPTIONS": {"socket_connect_timeout": 0.5, "socket_timeout": 0.5},
    }
    if ENV.cache_url
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
}

BROKER_VISIBILITY_SECONDS = 3600
"""At least four times the longest task: shorter, and a running task is started a second time."""

CELERY_BROKER_URL = ENV.redis_url or "memory://"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": BROKER_VISIBILITY_SECONDS,
    "unacked_restore_interval": 10,
    "unacked_restore_throttle": 1,
    "socket_connect_timeout": 2,
    "socket_timeout": 2,  # publishers only: config/celery.py lifts it for workers, which wait longer on purpose
    "socket_keepalive": True,
    "health_check_interval": 10,
}
CELERY_RESULT_BACKEND_TRANSPORT_OPTIONS = {"visibility_timeout": BROKER_VISIBILITY_SECONDS}
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_ACKS_ON_FAILURE_OR_TIMEOUT = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_TIME_LIMIT = 120
CELERY_TASK_SOFT_TIME_LIMIT = 90
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 5 if IS_EMBEDDED or IS_TEST else 20
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_TIMEZONE = "UTC"
CELERY_ENABLE_UTC = True
CELERY_BEAT_SCHEDULE = {
    # Plain seconds: no time zone, so no hour is skipped or run twice when clocks change.
    # `expires` keeps a queue that nobody drained from replaying an hour of ticks.
    name: {"task": task, "schedule": float(seconds), "options": {"expires": float(max(seconds, 30))}}
    for name, task, seconds in (
        ("heartbeat", "config.heartbeat", 10),
        ("deliver-alerts", "governance.tasks.deliver_alerts", 5),
        ("expire-holds", "governance.tasks.expire_holds", 60),
        ("remind-stages", "governance.tasks.remind_stages", 300),
        ("sweep-limits", "governance.tasks.sweep_limits", 300),
        ("sweep-budgets", "governance.tasks.sweep_budgets", 300),
        ("end-grants", "governance.tasks.end_grants", 300),
        ("send-digests", "governance.tasks.send_digests", 900),
        ("activate-policies", "governance.tasks.activate_policies", 60),
        ("remind-consent", "governance.tasks.remind_consent", 900),
        # Looks every hour whether today's run is still owed: a restart of beat loses no night.
        ("replay-sample", "governance.tasks.replay_sample", 3600),
        ("judge-backtests", "governance.tasks.judge_backtests", 5),
        ("pack-history", "governance.tasks.pack_history", 900),
        ("forget-ended", "governance.tasks.forget_ended", 3600),
    )
}

# ----------------------------------------------------------------------------- mail

EMAIL_BACKEND = (
    "django.core.mail.backends.smtp.EmailBackend" if ENV.email else "django.core.mail.backends.console.EmailBackend"
)
EMAIL_HOST = ENV.email.host if ENV.email else "localhost"
EMAIL_PORT = ENV.email.port if ENV.email else 25
EMAIL_HOST_USER = ENV.email.user if ENV.email else ""
EMAIL_HOST_PASSWORD = ENV.email.password if ENV.email else ""
EMAIL_USE_TLS = bool(ENV.email and ENV.email.use_tls)
EMAIL_USE_SSL = bool(ENV.email and ENV.email.use_ssl)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = ENV.default_from_email
SERVER_EMAIL = ENV.default_from_email

# --------------------------------------------------------------------------- people

AUTH_USER_MODEL = "governance.User"
AUTHENTICATION_BACKENDS = ["governance.web.people.sign_in.AccountBackend"]
LOGIN_URL = "web:login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "web:login"
PASSWORD_HASHERS = (
    ["django.contrib.auth.hashers.MD5PasswordHasher"]
    if IS_TEST
    else [
        "django.contrib.auth.hashers.ScryptPasswordHasher",
        "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    ]
)
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
PASSWORD_RESET_TIMEOUT = ENV.link_hours * 3600
"""How long a set-password link lives; it ends earlier with the password, the address or a sign-in."""

# django-allauth: its forms and flows, our pages, services and outbox. Accounts are made by people who keep people.
ACCOUNT_ADAPTER = "governance.web.people.account_adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_SIGNUP_ENABLED = False
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"  # an account is made with the address to which its first link goes
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_EMAIL_CONFIRMATION_EXPIRE_DAYS = ENV.link_hours / 24
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_PASSWORD_RESET_TOKEN_GENERATOR = "django.contrib.auth.tokens.PasswordResetTokenGenerator"  # noqa: S105
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_FORMS = {"user_token": "governance.web.people.account.LinkOfAccount"}
ACCOUNT_RATE_LIMITS = {
    "login": None,  # governance/web/people/throttle.py counts what failed
    "change_password": "5/m/user",
    "reset_password_from_key": "20/m/ip",
}
ALLAUTH_TRUSTED_PROXY_COUNT = 1 if ENV.behind_tls_proxy else 0
"""Behind the proxy the last address of `X-Forwarded-For` is the client's; without one the header is never read."""

SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"

LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

SECOND_OFFICER_DAYS = ENV.second_officer_days
"""Whoever was added, or given the role, by one officer is no second officer beside them for so many days."""
CONSENT_DAYS_MIN = ENV.consent_days_min
"""At least so many days lie between an acceptable-use version and the day from which it has to be accepted."""

# ------------------------------------------------------------------------- security

SESSION_COOKIE_SECURE = IS_PRODUCTION
CSRF_COOKIE_SECURE = IS_PRODUCTION
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "governance.web.errors.csrf_failure"
SECURE_SSL_REDIRECT = IS_PRODUCTION
SECURE_REDIRECT_EXEMPT = [r"^healthz$"]  # asked from inside the network, without TLS
SECURE_HSTS_SECONDS = ENV.hsts_seconds
SECURE_HSTS_INCLUDE_SUBDOMAINS = IS_PRODUCTION
SECURE_HSTS_PRELOAD = IS_PRODUCTION
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if ENV.behind_tls_proxy else None
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 400  # a page that sends more has its own bound: config/http/forms.py
DATA_UPLOAD_MAX_NUMBER_FILES = 10

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
        "object-src": [NONE],
        "manifest-src": [SELF],
    },
}

# ---------------------------------------------------------------------- static files

STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = BASE_DIR / "staticfiles" if IS_PRODUCTION else None
# Compressing a thousand files takes half a minute: done once, when a production image is built.
WHITENOISE_USE_FINDERS = not IS_PRODUCTION
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": str(DATA_DIR / "uploads"), "base_url": None},
    },
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if IS_PRODUCTION
        else "django.contrib.staticfiles.storage.StaticFilesStorage",
    },
}

# ------------------------------------------------------------------------------ API

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "governance.api.people.authentication.AccountToken",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["governance.api.people.scopes.Scoped"],
    "DEFAULT_PARSER_CLASSES": ["governance.api.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "governance.api.operations.ScopedSchema",
    "EXCEPTION_HANDLER": "governance.api.problems.exception_handler",
    "DEFAULT_THROTTLE_CLASSES": []
    if IS_TEST
    else ["rest_framework.throttling.AnonRateThrottle", "rest_framework.throttling.UserRateThrottle"],
    "DEFAULT_THROTTLE_RATES": {"anon": "30/min", "user": "600/min"},
    "NUM_PROXIES": 1 if ENV.behind_tls_proxy else 0,
    "COERCE_DECIMAL_TO_STRING": True,
    "STRICT_JSON": True,
    "UNICODE_JSON": True,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
KNOX_TOKEN_MODEL = "governance.ApiToken"  # noqa: S105
REST_KNOX = {
    "SECURE_HASH_ALGORITHM": "hashlib.sha512",
    "AUTH_HEADER_PREFIX": "Token",
    "TOKEN_LIMIT_PER_USER": 20,
    "TOKEN_TTL": None,  # each token is given its own expiry when it is made
}
SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Comptroller",
    "DESCRIPTION": "Ask for accelerators; see what a request costs, what policy says, and who decides.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["governance.api.people.scopes.Scoped"],
    "SERVE_AUTHENTICATION": [
        "governance.api.people.authentication.AccountToken",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    # A choice stands where it is made: one list of words is the state of many things.
    "POSTPROCESSING_HOOKS": [],
}

# ---------------------------------------------------------------------------- admin

# `config/urls.py` adds what `governance/admin/theme.py` says: navigation, styles, colours.
UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Comptroller",
    "SITE_HEADER": "Comptroller",
    "SITE_URL": "/",
    "SHOW_HISTORY": False,  # the audit trail is the history
    "SHOW_VIEW_ON_SITE": True,
}

# -------------------------------------------------------------------------- logging

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"()": "config.logs.LineFormatter"},
        "json": {"()": "config.logs.JsonFormatter"},
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "stream": sys.stderr,
            "formatter": "json" if ENV.log_json else "line",
        },
    },
    "root": {"handlers": ["console"], "level": ENV.log_level},
    "loggers": {
        "django.server": {"handlers": ["console"], "level": "INFO", "propagate": False},
        # A refused request is the product working, not a fault of ours.
        "django.request": {"level": "ERROR"},
        "django.security.DisallowedHost": {"level": "CRITICAL"},
        "celery.app.trace": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.beat": {"level": "WARNING"},
        # Says for every request that waits for a thread how many do.
        "waitress.queue": {"level": "ERROR"},
    },
}
