"""One middleware chain for all test clients: building it reads every static file (13 ms), and a test has several."""

from __future__ import annotations

from typing import Any

from django.core.handlers.base import BaseHandler
from django.core.signals import setting_changed
from django.test.client import ClientHandler


class _Shared:
    """The handler whose chain is in use; none after a setting has changed, because middleware reads settings."""

    handler: ClientHandler | None = None

    @classmethod
    def forget(cls, **_: Any) -> None:
        cls.handler = None


_CHAIN = ("_view_middleware", "_template_response_middleware", "_exception_middleware", "_middleware_chain")


def _load_middleware(self: ClientHandler, is_async: bool = False) -> None:
    if _Shared.handler is None:
        BaseHandler.load_middleware(self, is_async)
        _Shared.handler = self
        return
    for name in _CHAIN:
        setattr(self, name, getattr(_Shared.handler, name))


setting_changed.connect(_Shared.forget)
ClientHandler.load_middleware = _load_middleware  # type: ignore[method-assign]
