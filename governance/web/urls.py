"""Addresses of the public face. The request form is here; the pages that show things are in `pages_urls`."""

from __future__ import annotations

from django.urls import URLPattern, path

from governance.web import pages_urls
from governance.web.estimates import from_estimate
from governance.web.requests import form, preview

app_name = "web"

urlpatterns: list[URLPattern] = [
    path("requests/new/", form.request_new, name="request_new"),
    path("requests/new/from-estimate/", from_estimate.request_from_estimate, name="request_from_estimate"),
    path("requests/preview/", preview.request_preview, name="request_preview"),
    path("requests/<int:number>/edit/", form.request_edit, name="request_edit"),
    path("requests/<int:number>/submit/", form.request_submit, name="request_submit"),
    *pages_urls.urlpatterns,
]
