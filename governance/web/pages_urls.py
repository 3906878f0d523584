"""Addresses of the pages that people read, under the namespace `web`; the request form adds its own."""

from __future__ import annotations

from django.urls import URLPattern, path

from governance.web import home, search
from governance.web.estimates import estimator
from governance.web.grants import grants
from governance.web.messages import notifications
from governance.web.money import budgets
from governance.web.people import sign_in
from governance.web.record import reports
from governance.web.register import catalogue
from governance.web.requests import requests
from governance.web.rules import acceptable_use

urlpatterns: list[URLPattern] = [
    path("", home.show, name="home"),
    path("requests/", requests.show_list, name="request_list"),
    path("requests/<int:number>/", requests.show_detail, name="request_detail"),
    path("requests/<int:number>/withdraw/", requests.withdraw, name="request_withdraw"),
    path("requests/<int:number>/discard/", requests.discard, name="request_discard"),
    path("requests/<int:number>/clone/", requests.clone, name="request_clone"),
    path("requests/<int:number>/comment/", requests.comment, name="request_comment"),
    path("grants/", grants.show_list, name="grant_list"),
    path("grants/<int:number>/", grants.show_detail, name="grant_detail"),
    path("grants/<int:number>/return/", grants.give_back, name="grant_return"),
    path("budgets/", budgets.show_list, name="budget_list"),
    path("budgets/<slug:slug>/", budgets.show_detail, name="budget_detail"),
    path("catalogue/", catalogue.show, name="catalogue"),
    path("estimator/", estimator.show, name="estimator"),
    path("reports/", reports.show, name="reports"),
    path("acceptable-use/", acceptable_use.show, name="acceptable_use"),
    path("notifications/", notifications.show, name="notifications"),
    path("search/", search.show, name="search"),
    path("sign-in/", sign_in.SignIn.as_view(), name="login"),
    path("sign-out/", sign_in.SignOut.as_view(), name="logout"),
]
