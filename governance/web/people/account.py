"""A person's own account: their password, their address, and the links by which both are set."""

from __future__ import annotations

from typing import Any

from allauth.account.forms import ChangePasswordForm, ResetPasswordForm, ResetPasswordKeyForm, UserTokenForm
from allauth.account.models import EmailConfirmationHMAC
from allauth.account.views import (
    PasswordChangeView,
    PasswordResetDoneView,
    PasswordResetFromKeyView,
    PasswordResetView,
)
from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from governance.domain.errors import GovernanceError, InvalidInput
from governance.domain.prose import sentence
from governance.models import User
from governance.selectors.people import accounts
from governance.services.people import credentials, tokens
from governance.services.people.credentials import PASSWORD_CHARS_MAX
from governance.web.base import page, signed_in
from governance.web.people import throttle

HINT = "At least 12 characters. A few unrelated words are easier to remember than signs."


def _password(label: str, autocomplete: str, help_text: str = "") -> forms.CharField:
    return forms.CharField(
        label=label,
        strip=False,
        max_length=PASSWORD_CHARS_MAX,
        help_text=help_text,
        widget=forms.PasswordInput(attrs={"autocomplete": autocomplete}),
    )


class _Refusals:
    """Puts a service's sentences beside the fields that they name."""

    def refuse(self: Any, error: GovernanceError) -> None:
        if isinstance(error, InvalidInput):
            for name, found in error.errors.items():
                for text in found:
                    self.add_error(name if name in self.fields else None, sentence(text))
        else:
            self.add_error(None, sentence(error.message))


@page
@require_safe
@never_cache
def show(request: HttpRequest) -> HttpResponse:
    """Who one is here, and what one can change about it."""
    user = signed_in(request)
    return render(request, "account/account.html", {"user": user, "tokens": tokens.tokens_of(user)})


@page
@require_POST
def end_token(request: HttpRequest, token_key: str) -> HttpResponse:
    """End an API token at once."""
    tokens.end_token(actor=signed_in(request), token_key=token_key, now=timezone.now())
    messages.success(request, "The token has ended, and so have those that were made with it.")
    return redirect("account_page")


# ------------------------------------------------------------------------- password


class ChangeForm(_Refusals, ChangePasswordForm):
    """The present password and the new one, twice."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["oldpassword"] = _password("Current password", "current-password")
        self.fields["password1"] = _password("New password", "new-password", HINT)
        self.fields["password2"] = _password("New password again", "new-password")


@method_decorator(never_cache, name="dispatch")
class ChangePassword(PasswordChangeView):
    """Another password for oneself."""

    form_class = ChangeForm
    template_name = "account/change_password.html"

    def dispatch(self, request: HttpRequest, *args: Any, **options: Any) -> Any:
        if request.user.is_authenticated and not request.user.has_usable_password():
            # There is no present password to give: the way is the link.
            return redirect("account_reset_password")
        return super().dispatch(request, *args, **options)

    def form_valid(self, form: Any) -> HttpResponse:
        user = signed_in(self.request)
        try:
            changed = credentials.change_password(
                actor=user,
                present_hash=user.password,
                password=form.cleaned_data["password1"],
                now=timezone.now(),
            )
        except GovernanceError as error:
            form.refuse(error)
            return self.form_invalid(form)
        # The browser that changed it stays signed in; Django ends other sessions, made with the old password.
        update_session_auth_hash(self.request, changed)
        messages.success(self.request, "Your password is changed. Other sessions and your API tokens have ended.")
        return redirect("account_page")


class LinkForm(ResetPasswordForm):
    """The address to which a link goes, if somebody signs in with it."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["email"] = forms.EmailField(
            label="E-mail address",
            max_length=200,
            help_text="The one that you sign in with.",
            widget=forms.EmailInput(attrs={"autocomplete": "username"}),
        )

    def clean_email(self) -> str:
        # Whether somebody has it is looked up by the service, in the same time for everybody.
        return str(self.cleaned_data["email"]).lower()


@method_decorator(never_cache, name="dispatch")
class RequestLink(PasswordResetView):
    """Ask for a link to set one's password. The answer does not tell whether the address has an account."""

    form_class = LinkForm
    template_name = "account/request_link.html"

    def form_valid(self, form: Any) -> HttpResponse:
        address = form.cleaned_data["email"]
        throttle.count(self.request, throttle.LINKS, {"account": address})
        credentials.request_link(address=address, now=timezone.now())
        return redirect("account_reset_password_done")


class LinkRequested(PasswordResetDoneView):
    """What happens next, the same for every address."""

    template_name = "account/link_requested.html"
    extra_context = {"hours": settings.PASSWORD_RESET_TIMEOUT // 3600}


class SetForm(_Refusals, ResetPasswordKeyForm):
    """A password, twice."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["password1"] = _password("New password", "new-password", HINT)
        self.fields["password2"] = _password("New password again", "new-password")


class LinkOfAccount(UserTokenForm):
    """Whose link it is; nobody's once nobody signs in with the account."""

    def clean(self) -> Any:
        cleaned = super().clean()
        if not isinstance(self.reset_user, User) or not accounts.may_sign_in(self.reset_user):
            raise ValidationError("This link has expired: request another one.", code="invalid_password_reset")
        return cleaned


@method_decorator(never_cache, name="dispatch")
class SetPassword(PasswordResetFromKeyView):
    """Where a link leads. Opening it changes nothing; it is used up when the password is set."""

    form_class = SetForm
    template_name = "account/set_password.html"

    def form_valid(self, form: Any) -> HttpResponse:
        user = self.reset_user
        try:
            user = credentials.set_password_by_link(
                user_id=user.pk, key=self.key, password=form.cleaned_data["password1"], now=timezone.now()
            )
        except GovernanceError as error:
            form.refuse(error)
            return self.form_invalid(form)
        self.request.session.flush()
        messages.success(self.request, "Your password is set. Sign in with it.")
        response = redirect("account_login")
        # Whoever reads the account's mail is no stranger: what others tried does not keep them out.
        throttle.remember(self.request, response, user)
        return response

    def get_context_data(self, **options: Any) -> dict[str, Any]:
        context = super().get_context_data(**options)
        return context | {"address": getattr(self.reset_user, "email", "")}


# -------------------------------------------------------------------------- address


class AddressForm(_Refusals, forms.Form):
    """The new address, and the present password: whoever finds an open session does not take the account along."""

    def __init__(self, *args: Any, user: User, **options: Any) -> None:
        self.user = user
        super().__init__(*args, **options)

    email = forms.EmailField(
        label="New e-mail address",
        max_length=200,
        help_text="It gets a link. Your address changes when the link is opened and confirmed.",
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    password = _password("Your password", "current-password")

    def clean_password(self) -> str:
        if not self.user.check_password(self.cleaned_data["password"]):
            raise ValidationError("This is not your password.")
        return str(self.cleaned_data["password"])


@page
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def change_address(request: HttpRequest) -> HttpResponse:
    """Ask for another address to sign in with."""
    user = signed_in(request)
    if not user.has_usable_password():
        return redirect("account_reset_password")
    if request.method == "POST":
        throttle.count(request, throttle.NEW_ADDRESSES, {"account": str(user.pk)})
    form = AddressForm(request.POST if request.method == "POST" else None, user=user)
    if request.method == "POST" and form.is_valid():
        address = form.cleaned_data["email"]
        try:
            credentials.request_address(actor=user, address=address, now=timezone.now())
        except GovernanceError as error:
            form.refuse(error)
        else:
            messages.success(request, f"A link is on its way to {address}. Until it is confirmed nothing changes.")
            return redirect("account_page")
    status = 400 if form.is_bound else 200
    return render(request, "account/change_address.html", {"form": form}, status=status)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def confirm_address(request: HttpRequest, key: str) -> HttpResponse:
    """Where the link to a new address leads: a page with a button, since opening a link must change nothing."""
    confirmation = EmailConfirmationHMAC.from_key(key)
    problem = ""
    if confirmation is not None and request.method == "POST":
        try:
            user = credentials.confirm_address(address_id=confirmation.email_address.pk, now=timezone.now())
        except GovernanceError as error:
            problem = sentence(
                error.message if not isinstance(error, InvalidInput) else "this address is already in use"
            )
        else:
            messages.success(request, f"Your address is now {user.email}.")
            return redirect(reverse("account_page") if request.user == user else reverse("account_login"))
    address = confirmation.email_address.email if confirmation is not None else ""
    context = {"address": address, "problem": problem}
    return render(request, "account/confirm_address.html", context, status=400 if problem or not address else 200)
