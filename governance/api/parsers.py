"""Reads JSON bodies strictly: bounded size and depth, no duplicate keys, no NaN."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from rest_framework import status
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser

from governance.display import numbers

DEPTH_MAX = 32


class BodyTooLarge(APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = "the body is too large"
    default_code = "body_too_large"


class StrictJSONParser(BaseParser):
    """JSON as RFC 8259 means it; what other parsers guess about is refused here."""

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """The body as plain data.

        Raises:
            BodyTooLarge: more than `DATA_UPLOAD_MAX_MEMORY_SIZE` bytes.
            ParseError: not JSON, too deep, duplicate keys, NaN or infinity, broken text.
        """
        longest = settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 262_144
        body = stream.read(longest + 1)
        if len(body) > longest:
            raise BodyTooLarge(f"the body has more than {numbers.count(longest)} bytes")
        try:
            text = body.decode("utf-8")
        except UnicodeDecodeError:
            raise ParseError("the body is not UTF-8 text") from None
        _refuse_depth(text)
        try:
            return json.loads(text, object_pairs_hook=_without_duplicates, parse_constant=_refuse_constant)
        except RecursionError:
            raise ParseError(f"the body nests more than {DEPTH_MAX} levels deep") from None
        except ValueError as error:
            # A number of thousands of digits is a ValueError, too.
            raise ParseError(f"the body is not JSON: {str(error)[:120]}") from None


def _refuse_depth(text: str) -> None:
    """Count brackets outside of strings before the recursive parser sees them."""
    depth, in_string, escaped = 0, False, False
    for character in text:
        if in_string:
            if escaped:
                escaped = False
            elif character == "\\":
                escaped = True
            elif character == '"':
                in_string = False
        elif character == '"':
            in_string = True
        elif character in "[{":
            depth += 1
            if depth > DEPTH_MAX:
                raise ParseError(f"the body nests more than {DEPTH_MAX} levels deep")
        elif character in "]}":
            depth -= 1


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise ParseError(f"the key `{key[:60]}` stands twice in one object")
            seen.add(key)
    return found


def _refuse_constant(name: str) -> Any:
    raise ParseError(f"`{name}` is not JSON: give a finite number")
