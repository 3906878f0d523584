"""Which enum a column belongs to: every column that keeps one of a few known values of the program's own."""

from __future__ import annotations

from enum import StrEnum

from governance.domain.money.ledger import Account, JournalKind
from governance.domain.states.approvals import LapseReason, StageState, Verdict
from governance.domain.states.grants import GrantKind, GrantState
from governance.domain.states.messages import AlertKind, AlertState, FlagKind
from governance.domain.states.money import HoldState
from governance.domain.states.record import JobState
from governance.domain.states.register import NotificationState, ScreeningState
from governance.domain.states.requests import Occasion, RequestKind, State
from governance.domain.states.rules import (
    ActivationState,
    BacktestState,
    ExceptionState,
    PublicationState,
    VersionState,
)
from governance.policy.bundle.effects import Outcome

COLUMNS: dict[str, type[StrEnum]] = {
    "AcceptableUsePublication.state": PublicationState,
    "Alert.kind": AlertKind,
    "Alert.state": AlertState,
    "ApprovalDecision.verdict": Verdict,
    "ApprovalLapse.why": LapseReason,
    "ApprovalStage.state": StageState,
    "Assessment.occasion": Occasion,
    "Assessment.outcome": Outcome,
    "Beneficiary.screening_state": ScreeningState,
    "BudgetHold.state": HoldState,
    "Flag.kind": FlagKind,
    "Grant.kind": GrantKind,
    "Grant.state": GrantState,
    "JobRun.state": JobState,
    "LedgerEntry.account": Account,
    "LedgerJournal.kind": JournalKind,
    "ModelLineage.notification_state": NotificationState,
    "PolicyActivation.state": ActivationState,
    "PolicyBacktest.state": BacktestState,
    "PolicyException.state": ExceptionState,
    "PolicyVersion.state": VersionState,
    "ProvisioningRequest.kind": RequestKind,
    "ProvisioningRequest.state": State,
    "ShadowDecision.outcome": Outcome,
}
"""`Model.column` -> its values. `literal_states` counts texts that stand in the place of one of them."""
