"""Addresses under the names by which django-allauth looks for them. What it offers beside is not here, so not there."""

from __future__ import annotations

from django.urls import URLPattern, path, re_path

from governance.web.people import account, sign_in

urlpatterns: list[URLPattern] = [
    path("sign-in/", sign_in.SignIn.as_view(), name="account_login"),
    path("sign-in/as/<int:user_id>/", sign_in.act_as, name="account_act_as"),
    path("account/", account.show, name="account_page"),
    path("account/address/", account.change_address, name="account_email"),
    path("account/tokens/<slug:token_key>/end/", account.end_token, name="account_end_token"),
    path("account/password/", account.ChangePassword.as_view(), name="account_change_password"),
    path("password/forgotten/", account.RequestLink.as_view(), name="account_reset_password"),
    path("password/sent/", account.LinkRequested.as_view(), name="account_reset_password_done"),
    re_path(
        r"^password/set/(?P<uidb36>[0-9A-Za-z]{1,13})-(?P<key>[0-9A-Za-z-]{1,80})/$",
        account.SetPassword.as_view(),
        name="account_reset_password_from_key",
    ),
    path("account/address/confirm/<str:key>/", account.confirm_address, name="account_confirm_email"),
]
