"""Rows and what can never be true of them. Nothing here decides or writes beyond one row."""

from governance.models.acceptable_use import (
    AcceptableUsePublication,
    AcceptableUseStatement,
    AcceptableUseVersion,
    Acceptance,
)
from governance.models.alerts import Alert
from governance.models.approvals import ApprovalDecision, ApprovalLapse, ApprovalLimit, ApprovalStage
from governance.models.assessments import Assessment, FactRow
from governance.models.audit import AuditEvent, AuditHead
from governance.models.backtests import PolicyBacktest, PolicyBacktestMonth
from governance.models.budgets import Budget, BudgetHold, LedgerEntry, LedgerJournal
from governance.models.chunks import FactChunk, FactChunkColumn
from governance.models.flags import Flag
from governance.models.grants import Grant, ProviderCommitment
from governance.models.jobs import Counter, IdempotencyKey, JobRun
from governance.models.people import Delegation, Person, Project, Role, RoleAssignment, Team, User
from governance.models.policies import (
    PolicyActivation,
    PolicyException,
    PolicyFindingNote,
    PolicySet,
    PolicyVersion,
)
from governance.models.provisioning import (
    Beneficiary,
    ModelLineage,
    Provider,
    ProvisioningRequest,
    Purpose,
    RequestComment,
    RequestRevision,
)
from governance.models.shadow import ShadowDecision
from governance.models.tokens import ApiToken
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
