"""The desk: Django's admin under the product's own frame, where people decide and keep what decisions rest on."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.contrib.admin import sites
from django.contrib.auth import logout
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, resolve_url
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.views.decorators.http import require_POST
from unfold.sites import UnfoldAdminSite

from governance.display.dates import zone_named
from governance.domain.errors import GovernanceError, NotFound
from governance.domain.prose import sentence
from governance.models import User

View = Callable[..., HttpResponseBase]


class DeskSite(UnfoldAdminSite):
    """Staff only. What a person sees and may do is a matter of roles; being a superuser decides nothing."""

    site_header = "Comptroller"
    site_title = "Comptroller"
    index_title = "All records"
    enable_nav_sidebar = False

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        self._pages: list[URLPattern] = []

    def page(self, route: str, view: View, name: str, *, fields_max: int | None = None) -> None:
        """Add a page of our own, such as the queue.

        Args:
            fields_max: how many fields its form may have, where that is more than on all other pages.
        """
        shown = self.admin_view(view)
        if fields_max is not None:
            # Read by config.http.forms before anything looks into the form.
            shown.fields_max = fields_max  # type: ignore[attr-defined]
        self._pages.append(path(route, shown, name=name))

    def extra_urls(self) -> list[URLPattern]:
        """Called by the theme's `get_urls`; ours come before the models'."""
        return self._pages

    def has_permission(self, request: HttpRequest) -> bool:
        user = request.user
        return isinstance(user, User) and user.is_active and user.is_staff and not user.is_service_account

    def admin_view(self, view: View, cacheable: bool = False) -> View:
        return super().admin_view(_in_zone_of_reader(self, view), cacheable)

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """Nothing: the sidebar has a navigation of its own, and each list of records is on `app_index`.

        The framework would ask every model on every page what the person may do with it.
        """
        return []

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The desk opens on what waits for the person."""
        return redirect("admin:queue")

    def app_index(
        self, request: HttpRequest, app_label: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Every list that this person may open, each with the sentence of what it holds."""
        found = [
            {"name": options.verbose_name_plural, "lead": getattr(page, "lead", ""), "model": options.model_name}
            for model, page in self._registry.items()
            if (options := model._meta).app_label == app_label and page.has_module_permission(request)
        ]
        if not found:
            raise Http404("nothing here for this person")
        title = "Catalogue" if app_label == "estimator" else "All records"
        context = self.each_context(request) | {
            "title": title,
            "crumbs": [{"text": title}],
            "lists": sorted(found, key=lambda each: str(each["name"])),
            "app_label": app_label,
        }
        return TemplateResponse(request, "admin/desk/lists.html", context)

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """There is one login, the site's own. Someone who is in but may not be here sees nothing to knock at."""
        if request.user.is_authenticated:
            if self.has_permission(request):
                return redirect("admin:index")
            raise Http404("the desk is for staff")
        return redirect_to_login(request.GET.get("next") or resolve_url("admin:index"), settings.LOGIN_URL)

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """There is one place to change a password, the account page: it is recorded and told."""
        return redirect("account_change_password")

    def search(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        raise Http404("the theme's own search is not offered")

    def autocomplete_view(self, request: HttpRequest) -> HttpResponse:
        raise Http404("no form of the desk completes by itself")

    def get_urls(self) -> list[Any]:
        """Without the one that leads from any table's number to a page: no row is reached past its own list."""
        return [each for each in super().get_urls() if getattr(each, "name", None) != "view_on_site"]

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponseBase:
        return _log_out(request)


@require_POST
def _log_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    return redirect(settings.LOGIN_URL)


def _in_zone_of_reader(desk: DeskSite, view: View) -> View:
    """Render the page in the reader's zone, and show a refusal inside the frame.

    Rendering happens here: a response that is rendered later would have left the zone.
    """

    @wraps(view)
    def shown(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        with timezone.override(zone_named(request.user.person.time_zone)):  # type: ignore[union-attr]
            try:
                response = view(request, *args, **kwargs)
            except NotFound as error:
                raise Http404(error.message) from error
            except GovernanceError as error:
                response = refusal(desk, request, error)
            if isinstance(response, TemplateResponse) and not response.is_rendered:
                response = response.render()
            return response

    return shown


def refusal(desk: DeskSite, request: HttpRequest, error: GovernanceError) -> TemplateResponse:
    """A refusal that no form on the page can carry."""
    context = desk.each_context(request) | {
        "title": "This was not done",
        "sentence": sentence(error.message),
        "code": error.code,
    }
    return TemplateResponse(request, "admin/desk/refusal.html", context, status=error.http_status)


def install() -> DeskSite:
    """Take the place of the theme's site, as the theme takes the place of Django's own.

    Called while admin modules are discovered. What libraries registered before (accounts, groups, tokens) stays
    behind on their site: none of it is edited past a service.
    """
    desk = DeskSite()
    admin.site = desk
    sites.site = desk
    return desk
