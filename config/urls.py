"""Every address of the product, by part."""

from __future__ import annotations

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.decorators import login_required
from django.templatetags.static import static
from django.urls import URLPattern, URLResolver, include, path
from django.utils.functional import lazy
from django.views.decorators.cache import cache_control
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from config.http.health import healthz
from governance.admin import theme

_MARK = lazy(static, str)("comptroller/mark.svg")

settings.UNFOLD.update(theme.UNFOLD)

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", healthz, name="healthz"),
    # Browsers ask for it beside answers that are no pages of ours and cannot name an icon.
    path("favicon.ico", cache_control(public=True, max_age=86_400)(RedirectView.as_view(url=_MARK))),
    path("admin/", admin.site.urls),
    path("api/schema/", SpectacularAPIView.as_view(), name="api-schema"),
    path("api/docs/", login_required(SpectacularSwaggerSplitView.as_view(url_name="api-schema")), name="api-docs"),
    path("api/v1/", include("governance.api.urls")),
]
if settings.MAILBOX_DIR is not None:
    urlpatterns.append(path("mailbox/", include("governance.web.messages.mailbox")))
urlpatterns += [path("", include("governance.web.urls")), path("", include("governance.web.people.account_urls"))]

handler400 = "governance.web.errors.bad_request"
handler403 = "governance.web.errors.forbidden"
handler404 = "governance.web.errors.not_found"
handler429 = "governance.web.errors.too_many"
"""Asked by django-allauth, not by Django."""
handler500 = "governance.web.errors.server_error"
