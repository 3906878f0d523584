"""Addresses of the API, version 1."""

from __future__ import annotations

from django.urls import path

from governance.api.approvals import views as approvals
from governance.api.grants import views as grants
from governance.api.money import views as money
from governance.api.people import views as people
from governance.api.record import views as record
from governance.api.requests import estimates
from governance.api.requests import views as requests
from governance.api.rules import backtests, policies, policy_questions

app_name = "api"
urlpatterns = [
    path("requests/", requests.RequestList.as_view(), name="request-list"),
    path("requests/preview/", requests.RequestPreview.as_view(), name="request-preview"),
    path("requests/<int:number>/", requests.RequestDetail.as_view(), name="request-detail"),
    path("requests/<int:number>/submit/", requests.RequestSubmit.as_view(), name="request-submit"),
    path("requests/<int:number>/withdraw/", requests.RequestWithdraw.as_view(), name="request-withdraw"),
    path("requests/<int:number>/comments/", requests.RequestComments.as_view(), name="request-comments"),
    path("stages/<int:stage_id>/decide/", approvals.StageDecide.as_view(), name="stage-decide"),
    path("estimates/", estimates.EstimateList.as_view(), name="estimate-list"),
    path("estimates/compare/", estimates.EstimateCompare.as_view(), name="estimate-compare"),
    path("estimates/<int:assessment_id>/", estimates.EstimateDetail.as_view(), name="estimate-detail"),
    path("grants/", grants.GrantList.as_view(), name="grant-list"),
    path("grants/<int:number>/", grants.GrantDetail.as_view(), name="grant-detail"),
    path("budgets/", money.BudgetList.as_view(), name="budget-list"),
    path("policies/versions/", policies.VersionList.as_view(), name="policy-list"),
    path("policies/versions/<int:version_id>/", policies.VersionDetail.as_view(), name="policy-detail"),
    path("policies/versions/<int:version_id>/test/", policies.VersionTest.as_view(), name="policy-test"),
    path("policies/versions/<int:version_id>/diff/", policy_questions.VersionDiff.as_view(), name="policy-diff"),
    path("policies/versions/<int:version_id>/explain/", policies.VersionExplain.as_view(), name="policy-explain"),
    path("policies/versions/<int:version_id>/shadow/", policies.VersionShadow.as_view(), name="policy-shadow"),
    path(
        "policies/versions/<int:version_id>/activations/",
        policies.VersionActivations.as_view(),
        name="policy-activations",
    ),
    path("policies/activations/<int:activation_id>/answer/", policies.ActivationAnswer.as_view(), name="policy-answer"),
    path(
        "policies/activations/<int:activation_id>/withdraw/",
        policies.ActivationWithdraw.as_view(),
        name="policy-withdraw",
    ),
    path("decisions/", record.DecisionList.as_view(), name="decision-list"),
    path("decisions/<int:decision_id>/", record.DecisionDetail.as_view(), name="decision-detail"),
    path("policies/judge/", policy_questions.PolicyJudge.as_view(), name="policy-judge"),
    path("policies/replay/", policy_questions.PolicyReplay.as_view(), name="policy-replay"),
    path("policies/backtests/", backtests.BacktestList.as_view(), name="backtest-list"),
    path("policies/backtests/<int:backtest_id>/", backtests.BacktestDetail.as_view(), name="backtest-detail"),
    path("policies/backtests/<int:backtest_id>/cancel/", backtests.BacktestCancel.as_view(), name="backtest-cancel"),
    path("tokens/", people.TokenList.as_view(), name="token-list"),
    path("tokens/<str:token_key>/", people.TokenDetail.as_view(), name="token-detail"),
]
