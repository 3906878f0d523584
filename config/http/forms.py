"""How many fields a form may have, where one page needs more than all others.

`DATA_UPLOAD_MAX_NUMBER_FIELDS` holds everywhere. A page that sends more says so with `fields_max` on its view: a number
of its own, never none. The body is bounded by `DATA_UPLOAD_MAX_MEMORY_SIZE` either way.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl

from django.core.exceptions import TooManyFieldsSent
from django.http import HttpRequest, HttpResponseBase, QueryDict, UnreadablePostError

URLENCODED = "application/x-www-form-urlencoded"


class FieldsByPageMiddleware:
    """Reads the form of such a page under the page's own bound. Stands before whatever looks into a form first.

    A form in parts (`multipart/form-data`) is left to Django and its one limit: no such page sends one.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any) -> None:
        fields_max = getattr(view, "fields_max", None)
        if fields_max is not None and request.method == "POST" and request.content_type == URLENCODED:
            with suppress(UnreadablePostError):
                # The browser hung up in the middle: there is no form, and no token either.
                request.POST = read_form(request.body, fields_max)  # type: ignore[assignment]


def read_form(body: bytes, fields_max: int) -> QueryDict:
    """The fields of an urlencoded body, read as Django reads them.

    Raises:
        TooManyFieldsSent: there are more; nothing was read.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError:
        text = body.decode("iso-8859-1")
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=fields_max)
    except ValueError as error:
        raise TooManyFieldsSent(f"the form has more than {fields_max} fields") from error
    fields = QueryDict(mutable=True)
    for name, value in pairs:
        fields.appendlist(name, value)
    fields._mutable = False
    return fields
