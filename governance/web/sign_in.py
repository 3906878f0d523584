"""Signing in and out, with the demonstration's accounts listed where a demonstration runs."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.models import AbstractBaseUser
from django.contrib.auth.views import LoginView, LogoutView
from django.core.exceptions import ValidationError

from governance.demonstration.organisation import PASSWORD as DEMONSTRATION_PASSWORD
from governance.demonstration.organisation import split_by_tour
from governance.models import User
from governance.selectors.accounts import demonstration_accounts

PASSWORD_CHARS_MAX = 256
"""A longer password is not hashed: hashing a megabyte would keep a worker busy."""


WRONG = "No account has this address and password. Check both; capital letters matter in the password."


class AccountBackend(ModelBackend):
    """Accounts with their person, read in one query; only active accounts of active people get in.

    An address that nobody has costs one hash as well, so the time of an answer does not tell who has an account.
    """

    def get_user(self, user_id: Any) -> User | None:
        user = User.objects.select_related("person").filter(pk=user_id).first()
        return user if user is not None and self.user_can_authenticate(user) else None

    def user_can_authenticate(self, user: Any) -> bool:
        return isinstance(user, User) and user.is_active and user.person.is_active and not user.is_service_account


class SignInForm(AuthenticationForm):
    """Address and password; one sentence for everything that can be wrong about them."""

    error_messages = {"invalid_login": WRONG, "inactive": WRONG}
    username = forms.EmailField(
        label="E-mail address",
        max_length=200,
        widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True}),
    )
    password = forms.CharField(
        label="Password",
        strip=False,
        max_length=PASSWORD_CHARS_MAX,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    def confirm_login_allowed(self, user: AbstractBaseUser) -> None:
        if not AccountBackend().user_can_authenticate(user):
            raise ValidationError(self.error_messages["invalid_login"], code="invalid_login")


class SignIn(LoginView):
    """The sign-in page."""

    authentication_form = SignInForm
    template_name = "sign_in/sign_in.html"
    redirect_authenticated_user = True

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        first, others = split_by_tour(demonstration_accounts() if settings.IS_EMBEDDED else [])
        return context | {"first": first, "others": others, "demonstration_password": DEMONSTRATION_PASSWORD}


class SignOut(LogoutView):
    """Signs out on POST only: a link in a mail must not do it."""

    http_method_names = ["post", "options"]
