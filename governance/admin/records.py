"""What every record of the desk shares: it is read here, and changed only through services."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Generic, TypeVar

from django.contrib import messages
from django.contrib.admin import ShowFacets
from django.contrib.admin.views.main import PAGE_VAR
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, URLPattern, path, reverse
from django.utils.html import format_html
from unfold.admin import ModelAdmin

from governance.admin import access, columns, lookups
from governance.admin.forms import DeskForm
from governance.admin.wording import field_value
from governance.domain.errors import GovernanceError, InvalidInput
from governance.domain.prose import capital, sentence
from governance.models import User, Visibility

RowT = TypeVar("RowT", bound=models.Model)


@dataclass(frozen=True)
class Edit(Generic[RowT]):
    """One thing that can be done to a record, or to add one: a form whose `save` is one service call.

    Args:
        slug: last part of its address.
        label: what the button says.
        duty: who may, as `selectors.duties` names it; None leaves it to `may`.
        on_row: about one record, rather than adding one.
        applies: whether it makes sense for a record as it stands.
        may: a further question about the person, such as "is this their own delegation".
        removes: the record is gone afterwards: the list is shown next.
    """

    slug: str
    label: str
    form: type[DeskForm]
    duty: str | None
    on_row: bool = True
    lead: str = ""
    done: str = "Done"
    applies: Callable[[Any], bool] = lambda row: True
    may: Callable[[access.Access, Any], bool] = lambda person, row: False
    removes: bool = False

    def is_open_to(self, person: access.Access, row: models.Model | None) -> bool:
        """Whether this person may do it to this record now."""
        if row is not None and not self.applies(row):
            return False
        return (self.duty is not None and self.duty in person.duties) or self.may(person, row)


class RecordAdmin(ModelAdmin):
    """A list and a page per record. Nobody adds, changes or deletes a row here, not even a superuser.

    Edits are pages of their own that call one service each, so every one of them is audited; Django's own form,
    which would save past them, is never shown.
    """

    actions = None
    list_per_page = 50
    show_full_result_count = False
    show_facets = ShowFacets.NEVER
    list_filter_sheet = True
    list_fullwidth = True
    change_list_template = "admin/desk/change_list.html"
    lead: ClassVar[str] = ""
    heading: ClassVar[str] = ""
    """What the list is called; empty for the name of its rows."""
    edits: ClassVar[Sequence[Edit[Any]]] = ()
    sections: ClassVar[Sequence[tuple[str, Sequence[str]]]] = ()
    related: ClassVar[Sequence[str]] = ()
    record_template: ClassVar[str] = "admin/desk/record.html"
    hidden: ClassVar[frozenset[str]] = frozenset({"id", "password", "lease_token"})
    linked: ClassVar[Sequence[str]] = ()
    """Look-ups by which other pages of ours link to this list, beside those of its filters."""

    # -- who may look

    def may_read(self, person: access.Access) -> bool:
        """Whether the person may open this list at all; rows are narrowed by `visible`."""
        return True

    def visible(self, rows: models.QuerySet[Any], visibility: Visibility) -> models.QuerySet[Any]:
        """The rows that a person without a role over the whole organisation may see."""
        return rows

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        person = access.of(request)
        rows = super().get_queryset(request)
        return rows if person.sees_everything else self.visible(rows, person.visibility)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.admin_site.has_permission(request) and self.may_read(access.of(request))

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_module_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Only what the list's own filters send and what our own pages link to; nothing else is even looked up."""
        filters = self.get_list_filter(request) if request is not None else self.list_filter
        return lookup in self.linked or lookup in lookups.of_filters(self.model, tuple(filters))

    def to_field_allowed(self, request: HttpRequest, to_field: str) -> bool:
        return to_field == self.opts.pk.name

    # -- the list

    def get_list_display(self, request: HttpRequest) -> Sequence[Any]:
        return [columns.told(self.model, name) for name in super().get_list_display(request)]

    def get_list_filter(self, request: HttpRequest) -> Sequence[Any]:
        return [columns.filter_of(self.model, name) for name in super().get_list_filter(request)]

    def get_list_select_related(self, request: HttpRequest) -> Any:
        joined = super().get_list_select_related(request)
        people = columns.people_of(self.model, self.list_display)
        return [*joined, *people] if people and not isinstance(joined, bool) else joined

    @property
    def called(self) -> str:
        return self.heading or capital(str(self.opts.verbose_name_plural))

    # -- pages

    def get_urls(self) -> list[URLPattern]:
        info = self.opts.app_label, self.opts.model_name
        ours = []
        for edit in self.edits:
            route = f"<int:pk>/{edit.slug}/" if edit.on_row else f"{edit.slug}/"
            view = self.admin_site.admin_view(partial(self.edit_view, edit=edit))
            ours.append(path(route, view, name="{}_{}_{}".format(*info, edit.slug.replace("-", "_"))))
        return ours + super().get_urls()

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        person = access.of(request)
        extra = {
            "lead": self.lead,
            "called": self.called,
            "edits": [
                self._button(edit, None) for edit in self.edits if not edit.on_row and edit.is_open_to(person, None)
            ],
        }
        response = super().changelist_view(request, {**extra, **(extra_context or {})})
        if isinstance(response, TemplateResponse) and response.context_data and "cl" in response.context_data:
            changes = response.context_data["cl"]
            for name, step in (("previous_page", -1), ("next_page", 1)):
                response.context_data[name] = changes.get_query_string({PAGE_VAR: changes.page_num + step})
        return response

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The page of one record. Django's form, and its transaction around everything, are left out on purpose."""
        if request.method not in ("GET", "HEAD") or object_id is None or not self.has_view_permission(request):
            raise Http404("records are changed by their own pages")
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404("missing, or not visible")
        person = access.of(request)
        context = self.admin_site.each_context(request) | {
            "title": str(row),
            "crumbs": self._crumbs(row),
            "kind": self.opts.verbose_name,
            "row": row,
            "sections": self.read(row),
            "edits": [self._button(edit, row) for edit in self.edits if edit.on_row and edit.is_open_to(person, row)],
            "links": self.links(request, row),
            **self.more(request, row),
        }
        return TemplateResponse(request, self.record_template, context)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        raise Http404("the audit log is the history")

    def edit_view(self, request: HttpRequest, pk: int | None = None, *, edit: Edit[Any]) -> HttpResponse:
        """The form of one edit. A refusal is shown beside the field that it names, with what was typed kept."""
        person = access.of(request)
        row = None
        if edit.on_row:
            row = self.get_queryset(request).filter(pk=pk).first()
            if row is None:
                raise Http404("missing, or not visible")
        if not self.has_view_permission(request) or not edit.is_open_to(person, row):
            raise Http404("missing, or not for this person")
        form = edit.form(request.POST if request.method == "POST" else None, row=row, person=person)
        status = 200
        if request.method == "POST":
            if form.is_valid():
                try:
                    done = form.save(actor=person.user, now=person.now)
                except InvalidInput as error:
                    form.refuse(error.errors)
                except GovernanceError as error:
                    form.add_error(None, sentence(error.message))
                else:
                    messages.success(request, f"{form.done or edit.done}.")
                    following = None if edit.removes else row
                    return redirect(self._address(done if isinstance(done, models.Model) else following))
            status = 400
        context = self.admin_site.each_context(request) | {
            "title": f"{edit.label}: {row}" if row is not None else edit.label,
            "crumbs": [*self._crumbs(row), {"text": edit.label}],
            "form": form,
            "edit": edit,
            "back": self._address(row),
        }
        return TemplateResponse(request, "admin/desk/edit.html", context, status=status)

    # -- what a page shows

    def read(self, row: models.Model) -> list[tuple[str, list[tuple[str, Any]]]]:
        """Sections of (label, value). Every column is shown unless a subclass groups them or `hidden` names it."""
        groups = self.sections or [("", [field.name for field in row._meta.concrete_fields])]
        return [
            (title, [self.read_field(row, name) for name in names if name not in self.hidden])
            for title, names in groups
        ]

    def read_field(self, row: models.Model, name: str) -> tuple[str, Any]:
        method = getattr(self, name, None)
        if callable(method):
            return str(getattr(method, "short_description", name.replace("_", " ").capitalize())), method(row)
        field = row._meta.get_field(name)
        label = str(getattr(field, "verbose_name", name)).capitalize().replace(" micro", "")
        if isinstance(field, models.ForeignKey):
            return label, link_to(getattr(row, name))
        return label, field_value(row, name)

    def links(self, request: HttpRequest, row: models.Model) -> list[tuple[str, str]]:
        """Further lists about this record: (words, address)."""
        return []

    def more(self, request: HttpRequest, row: models.Model) -> dict[str, Any]:
        """What a page of its own template needs besides."""
        return {}

    def _button(self, edit: Edit[Any], row: models.Model | None) -> dict[str, str]:
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_{edit.slug.replace('-', '_')}"
        return {"label": edit.label, "url": reverse(name, args=[row.pk] if row is not None else [])}

    def _crumbs(self, row: models.Model | None) -> list[dict[str, str]]:
        address = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")
        crumbs = [{"text": self.called, "url": address}]
        return [*crumbs, {"text": str(row)}] if row is not None else crumbs

    def _address(self, row: models.Model | None) -> str:
        if row is None or row.pk is None:
            return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")
        return address_of(row) or reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")


class StateAdmin(RecordAdmin):
    """Rows that only the life of a request writes: requests, decisions, ledger, audit. There are no edits at all."""

    edits: ClassVar[Sequence[Edit[Any]]] = ()


def address_of(row: models.Model) -> str | None:
    """Where the desk shows a row; None when it has no page."""
    try:
        return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
    except NoReverseMatch:
        return None


def link_to(row: models.Model | None) -> Any:
    """A row by its name, linked to its page."""
    if row is None:
        return "–"
    address = address_of(row)
    name = row.person.name if isinstance(row, User) else str(row)
    return format_html('<a href="{}">{}</a>', address, name) if address else name


def actor_of(request: HttpRequest) -> User:
    return access.of(request).user
