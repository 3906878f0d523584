"""Signing in and out, and looking around as one of a demonstration's people."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.forms import LoginForm
from allauth.account.views import LoginView
from django import forms
from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.views import LogoutView
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from governance.domain.errors import NotFound
from governance.models import User
from governance.selectors.people import accounts
from governance.services.people import credentials
from governance.services.people.credentials import PASSWORD_CHARS_MAX

BACKEND = "governance.web.people.sign_in.AccountBackend"


class AccountBackend(ModelBackend):
    """Accounts with their person, read in one query; only active accounts of active people get in.

    An address that nobody has costs one hash as well, so the time of an answer does not tell who has an account.
    """

    def get_user(self, user_id: Any) -> User | None:
        user = User.objects.select_related("person").filter(pk=user_id).first()
        return user if user is not None and self.user_can_authenticate(user) else None

    def user_can_authenticate(self, user: Any) -> bool:
        return isinstance(user, User) and accounts.may_sign_in(user)


class SignInForm(LoginForm):
    """Address and password; one sentence for everything that can be wrong about them."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["login"] = forms.EmailField(
            label="E-mail address",
            max_length=200,
            widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True}),
        )
        self.fields["password"] = forms.CharField(
            label="Password",
            strip=False,
            max_length=PASSWORD_CHARS_MAX,
            widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        )

    def add_prefix(self, field_name: str) -> str:
        # Password managers and earlier clients know the field by this name.
        return "username" if field_name == "login" else super().add_prefix(field_name)


class SignIn(LoginView):
    """The sign-in page, of the pages and of the desk alike."""

    form_class = SignInForm
    template_name = "sign_in/sign_in.html"

    def get_context_data(self, **options: Any) -> dict[str, Any]:
        context = super().get_context_data(**options)
        context["next"] = self.get_next_url() or ""
        context["offered"] = accounts.offered_accounts() if settings.IS_EMBEDDED else None
        return context


@require_POST
@never_cache
def act_as(request: HttpRequest, user_id: int) -> HttpResponse:
    """Look around as one of a demonstration's people; there is no such page anywhere else."""
    if not settings.IS_EMBEDDED:
        raise Http404("this is not a demonstration")
    try:
        user = credentials.act_as(user_id=user_id, now=timezone.now())
    except NotFound as error:
        raise Http404(error.message) from error
    login(request, user, backend=BACKEND)
    wanted = request.POST.get("next", "")
    return redirect(wanted if wanted and get_adapter().is_safe_url(wanted) else settings.LOGIN_REDIRECT_URL)


class SignOut(LogoutView):
    """Signs out on POST only: a link in a mail must not do it."""

    http_method_names = ["post", "options"]
