"""Rows and what can never be true of them. Nothing here decides or writes beyond one row."""

from governance.models.approvals.approvals import ApprovalDecision, ApprovalLapse, ApprovalLimit, ApprovalStage
from governance.models.grants.grants import Grant, ProviderCommitment
from governance.models.messages.alerts import Alert
from governance.models.messages.flags import Flag
from governance.models.money.budgets import Budget, BudgetHold, LedgerEntry, LedgerJournal
from governance.models.people.holidays import Holiday
from governance.models.people.people import Delegation, Person, Project, Role, RoleAssignment, Team, User
from governance.models.people.tokens import ApiToken
from governance.models.record.audit import AuditEvent, AuditHead
from governance.models.record.jobs import Counter, IdempotencyKey, JobRun
from governance.models.register.registers import Beneficiary, ModelLineage, Provider, Purpose
from governance.models.requests.assessments import Assessment, FactRow
from governance.models.requests.provisioning import ProvisioningRequest, RequestComment, RequestRevision
from governance.models.rules.acceptable_use import (
    AcceptableUsePublication,
    AcceptableUseStatement,
    AcceptableUseVersion,
    Acceptance,
)
from governance.models.rules.backtests import PolicyBacktest, PolicyBacktestMonth
from governance.models.rules.chunks import FactChunk, FactChunkColumn
from governance.models.rules.policies import (
    PolicyActivation,
    PolicyException,
    PolicyFindingNote,
    PolicySet,
    PolicyVersion,
)
from governance.models.rules.shadow import ShadowDecision
from governance.models.visibility import Visibility

# The app role may SELECT and INSERT here, never UPDATE, DELETE or TRUNCATE; triggers refuse the owner as well.
APPEND_ONLY_TABLES = (
    "governance_requestrevision",
    "governance_requestcomment",
    "governance_assessment",
    "governance_factrow",
    "governance_approvaldecision",
    "governance_approvallapse",
    "governance_ledgerjournal",
    "governance_ledgerentry",
    "governance_auditevent",
    "governance_acceptance",
    "governance_acceptableuseversion",
    "governance_policyfindingnote",
    "governance_shadowdecision",
)

__all__ = [
    "APPEND_ONLY_TABLES",
    "AcceptableUsePublication",
    "AcceptableUseStatement",
    "AcceptableUseVersion",
    "Acceptance",
    "Alert",
    "ApiToken",
    "ApprovalDecision",
    "ApprovalLapse",
    "ApprovalLimit",
    "ApprovalStage",
    "Assessment",
    "AuditEvent",
    "AuditHead",
    "Beneficiary",
    "Budget",
    "BudgetHold",
    "Counter",
    "Delegation",
    "FactChunk",
    "FactChunkColumn",
    "FactRow",
    "Flag",
    "Grant",
    "Holiday",
    "IdempotencyKey",
    "JobRun",
    "LedgerEntry",
    "LedgerJournal",
    "ModelLineage",
    "Person",
    "PolicyActivation",
    "PolicyBacktest",
    "PolicyBacktestMonth",
    "PolicyException",
    "PolicyFindingNote",
    "PolicySet",
    "PolicyVersion",
    "Project",
    "Provider",
    "ProviderCommitment",
    "ProvisioningRequest",
    "Purpose",
    "RequestComment",
    "RequestRevision",
    "Role",
    "RoleAssignment",
    "ShadowDecision",
    "Team",
    "User",
    "Visibility",
]
