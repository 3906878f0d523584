"""Every address of the product, by part."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from config.health import healthz


def _present(module: str) -> bool:
    return find_spec(module) is not None


urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", healthz, name="healthz"),
    path("admin/", admin.site.urls),
    path("api/schema/", SpectacularAPIView.as_view(), name="api-schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(url_name="api-schema"), name="api-docs"),
]
if _present("governance.api.urls"):
    urlpatterns.append(path("api/v1/", include("governance.api.urls")))
if settings.MAILBOX_DIR is not None and _present("governance.web.mailbox"):
    urlpatterns.append(path("mailbox/", include("governance.web.mailbox")))
if _present("governance.web.urls"):
    urlpatterns.append(path("", include("governance.web.urls")))
if _present("governance.admin.theme"):
    settings.UNFOLD.update(import_module("governance.admin.theme").UNFOLD)
