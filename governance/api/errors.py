"""Errors that only HTTP knows."""

from __future__ import annotations

from rest_framework import status
from rest_framework.exceptions import APIException


class BodyTooLarge(APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = "the body is too large"
    default_code = "body_too_large"
