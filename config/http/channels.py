"""Says of every page and call by which channel it comes, so that the audit log can name it."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from config.http.security import ADMIN_PREFIX
from governance.services.record.channel import Channel, through

API_PREFIX = "/api/"


class ChannelMiddleware:
    """Desk, API or web, by the address."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with through(channel_of(request.path_info)):
            return self.get_response(request)


def channel_of(path: str) -> Channel:
    if path.startswith(ADMIN_PREFIX):
        return Channel.DESK
    return Channel.API if path.startswith(API_PREFIX) else Channel.WEB
