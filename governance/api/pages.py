"""Lists by pages: a cursor that we gave, a size from 1 to 200; anything else is refused by name."""

from __future__ import annotations

import re
from base64 import b64decode
from typing import Any

from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request

from governance.domain.errors import InvalidInput

# What `encode_cursor` writes: rows to skip, whether it goes back, and the key to begin after.
_CURSOR = re.compile(r"(?=.)(?:o=[0-9]{1,4}(?:&|$))?(?:r=1(?:&|$))?(?:p=([0-9]{1,19}))?", re.ASCII)
_KEY_MAX = 2**63 - 1
_LINK = "https://compute.example.com/api/v1/requests/?cursor=cD00ODY%3D"
_SIZE = re.compile(r"0*[1-9][0-9]*", re.ASCII)
_SIZE_DIGITS_MAX = 9


class NewestFirst(CursorPagination):
    """Pages by key, so that the last page costs what the first does."""

    page_size = 50
    max_page_size = 200
    page_size_query_param = "page_size"
    ordering = "-id"
    cursor_query_description = "From `next` or `previous` of the page before."
    page_size_query_description = "1 to 200; 50 unless told."

    def get_page_size(self, request: Request) -> int | None:
        """The size that was asked for, 200 at most.

        Raises:
            InvalidInput: not a whole number of 1 or more.
        """
        text = request.query_params.get(self.page_size_query_param)
        if text is None:
            return self.page_size
        if not _SIZE.fullmatch(text):
            raise InvalidInput({"page_size": [f"`{text[:20]}` is not a whole number from 1 to {self.max_page_size}"]})
        # More digits than any size has: the largest page, without reading them.
        return self.max_page_size if len(text) > _SIZE_DIGITS_MAX else min(int(text), self.max_page_size)

    def decode_cursor(self, request: Request) -> Cursor | None:
        """The place that an earlier page named in `next` or `previous`.

        Raises:
            InvalidInput: no page of ours names such a place.
        """
        text = request.query_params.get(self.cursor_query_param)
        if text is None:
            return None
        try:
            place = _CURSOR.fullmatch(b64decode(text, validate=True).decode("ascii"))
        except ValueError:
            place = None
        if place is None or int(place[1] or 0) > _KEY_MAX:
            raise InvalidInput({"cursor": ["is not one of ours: take it from `next` or `previous` of the page before"]})
        return super().decode_cursor(request)

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        link = {"type": "string", "format": "uri", "nullable": True, "example": _LINK}
        return {
            "type": "object",
            "required": ["next", "previous", "results"],
            "properties": {
                "next": {**link, "description": "The next page; null on the last."},
                "previous": {**link, "description": "The page before; null on the first."},
                "results": schema,
            },
        }
