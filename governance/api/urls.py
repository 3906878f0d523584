"""Addresses of the API, version 1."""

from __future__ import annotations

from django.urls import path

from governance.api import backtests, tokens, views

app_name = "api"
urlpatterns = [
    path("requests/", views.RequestList.as_view(), name="request-list"),
    path("requests/preview/", views.RequestPreview.as_view(), name="request-preview"),
    path("requests/<int:number>/", views.RequestDetail.as_view(), name="request-detail"),
    path("requests/<int:number>/submit/", views.RequestSubmit.as_view(), name="request-submit"),
    path("requests/<int:number>/withdraw/", views.RequestWithdraw.as_view(), name="request-withdraw"),
    path("requests/<int:number>/comments/", views.RequestComments.as_view(), name="request-comments"),
    path("stages/<int:stage_id>/decide/", views.StageDecide.as_view(), name="stage-decide"),
    path("estimates/", views.EstimateList.as_view(), name="estimate-list"),
    path("estimates/compare/", views.EstimateCompare.as_view(), name="estimate-compare"),
    path("estimates/<int:assessment_id>/", views.EstimateDetail.as_view(), name="estimate-detail"),
    path("grants/", views.GrantList.as_view(), name="grant-list"),
    path("grants/<int:number>/", views.GrantDetail.as_view(), name="grant-detail"),
    path("budgets/", views.BudgetList.as_view(), name="budget-list"),
    path("policies/backtests/", backtests.BacktestList.as_view(), name="backtest-list"),
    path("policies/backtests/<int:backtest_id>/", backtests.BacktestDetail.as_view(), name="backtest-detail"),
    path("policies/backtests/<int:backtest_id>/cancel/", backtests.BacktestCancel.as_view(), name="backtest-cancel"),
    path("tokens/", tokens.TokenList.as_view(), name="token-list"),
    path("tokens/<str:token_key>/", tokens.TokenDetail.as_view(), name="token-detail"),
]
