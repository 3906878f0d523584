"""What stands against a stored version: its own cases, the static findings beside the rules in force, empty stages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from django.db.models import QuerySet

from governance.domain.states.rules import ExceptionState
from governance.models import PolicyException, PolicyFindingNote, PolicyVersion
from governance.policy.analysis.checks import UNFILLABLE, check_policy_set, unfillable_stages, unused_parameters
from governance.policy.analysis.findings import Finding, Severity
from governance.policy.bundle.bundle import check_stored
from governance.policy.bundle.bundle_model import Bundle, CaseKind
from governance.policy.bundle.testing import failures_of, missing_cases, run_bundle_tests
from governance.policy.decisions.decision import RuleException
from governance.policy.decisions.policy_set import CompiledPolicySet
from governance.policy.errors import PolicyError
from governance.selectors.rules import policies
from governance.selectors.rules.role_seats import seats_by_role
from governance.selectors.rules.vocabulary import installed_vocabulary

WANTED_CASES = (CaseKind.FIRING, CaseKind.NON_FIRING)
"""What activation asks of each rule. Cases at the line and with a fact absent are proposed, not demanded."""
KEY_CHARS_MAX = 200
FAILURES_SHOWN_MAX = 50
WEIGHED_SETS_MAX = 16


def needs_end(key: str) -> bool:
    """Whether a finding is a stage that nobody could fill: its explanation is an exception that ends."""
    return key.startswith(f"{UNFILLABLE}: ")


@dataclass(frozen=True, slots=True)
class StoredFinding:
    """One finding as it is kept with the version. `key` is what an explanation names."""

    key: str
    severity: str
    sentence: str

    @property
    def is_open(self) -> bool:
        """Whether activation waits for an explanation."""
        return self.severity != Severity.NOTE.value

    @property
    def needs_end(self) -> bool:
        """Whether only an exception with an end and a reason lets it stand."""
        return needs_end(self.key)

    @classmethod
    def of(cls, finding: Finding) -> StoredFinding:
        about = ", ".join(finding.rules) or finding.sentence
        about = f"{about}, {finding.subject}" if finding.subject else about
        return cls(f"{finding.code}: {about}"[:KEY_CHARS_MAX], finding.severity.value, finding.sentence)


@dataclass(frozen=True, slots=True)
class Checks:
    """One run of the cases and checks of a version.

    Args:
        policy_digest: of the whole policy with the version in place; empty when it does not even go together.
        refusal: why the version does not go together with the rules in force, or names what is not there; else empty.
        failed_count: every case that failed.
        failures: one sentence each for the first of them.
        missing: rule to the kinds of case that it has to have and has not.
        proposed: rule to the kinds that would be good to have.
    """

    policy_digest: str = ""
    refusal: str = ""
    case_count: int = 0
    failed_count: int = 0
    failures: tuple[str, ...] = ()
    missing: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    proposed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    findings: tuple[StoredFinding, ...] = ()

    @property
    def passed_count(self) -> int:
        return self.case_count - self.failed_count

    @property
    def unlisted_count(self) -> int:
        """Cases that failed and have no sentence here."""
        return self.failed_count - len(self.failures)

    @property
    def are_cases_green(self) -> bool:
        return self.case_count > 0 and not (self.failed_count or self.missing or self.refusal)

    def unexplained(self, explained: Iterable[str]) -> tuple[StoredFinding, ...]:
        """Findings that matter and that nobody has explained."""
        known = set(explained)
        return tuple(finding for finding in self.findings if finding.is_open and finding.key not in known)

    def to_json(self) -> dict[str, Any]:
        return {
            "policy_digest": self.policy_digest,
            "refusal": self.refusal,
            "cases": self.case_count,
            "failed": self.failed_count,
            "failures": list(self.failures),
            "missing": {rule: list(kinds) for rule, kinds in self.missing.items()},
            "proposed": {rule: list(kinds) for rule, kinds in self.proposed.items()},
            "findings": [
                {"key": each.key, "severity": each.severity, "sentence": each.sentence} for each in self.findings
            ],
        }

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Checks | None:
        """What was stored with a version; None when its cases have never been run."""
        if not plain:
            return None
        return cls(
            policy_digest=plain["policy_digest"],
            refusal=plain.get("refusal", ""),
            case_count=plain["cases"],
            # A run that was kept before they were counted lists them.
            failed_count=plain.get("failed", len(plain["failures"])),
            failures=tuple(plain["failures"]),
            missing={rule: tuple(kinds) for rule, kinds in plain["missing"].items()},
            proposed={rule: tuple(kinds) for rule, kinds in plain["proposed"].items()},
            findings=tuple(StoredFinding(**each) for each in plain["findings"]),
        )


def run_checks(version: PolicyVersion, *, now: datetime) -> Checks:
    """Run everything. Half a second with the solver, so never under the policy's lock."""
    bundle = policies.bundle_of(version)
    cases = run_cases(bundle)
    try:
        whole = policies.policy_with(version)
        check_stored(bundle, installed_vocabulary())
    except PolicyError as error:
        return replace(cases, refusal=str(error))
    findings = [*_static(whole, bundle, now=now), *empty_stages(whole, bundle, now=now)]
    kept = tuple(dict.fromkeys(StoredFinding.of(finding) for finding in findings))
    return replace(cases, policy_digest=whole.digest, findings=kept)


def run_cases(bundle: Bundle) -> Checks:
    """The bundle's own cases alone: some milliseconds."""
    results = run_bundle_tests(bundle)
    failures = failures_of(results)
    missing: dict[str, tuple[str, ...]] = {}
    proposed: dict[str, tuple[str, ...]] = {}
    for rule, kinds in missing_cases(bundle).items():
        wanted = tuple(kind.value for kind in kinds if kind in WANTED_CASES)
        rest = tuple(kind.value for kind in kinds if kind not in WANTED_CASES)
        missing |= {rule: wanted} if wanted else {}
        proposed |= {rule: rest} if rest else {}
    return Checks(
        case_count=len(results),
        failed_count=len(failures),
        failures=tuple(failures[:FAILURES_SHOWN_MAX]),
        missing=missing,
        proposed=proposed,
    )


def empty_stages(whole: CompiledPolicySet, bundle: Bundle, *, now: datetime) -> list[Finding]:
    """Roles that the version's rules ask for and that too few people hold today, fallbacks included. Two queries."""
    own = [rule for rule in whole.at(now.date()).rules if rule.bundle == bundle.name]
    return list(unfillable_stages(own, seats_by_role(now=now)))


def explanations_of(version: PolicyVersion, *, now: datetime) -> dict[str, PolicyFindingNote]:
    """The newest explanation of each finding that counts now: one with an end counts up to that day."""
    return _counting(PolicyFindingNote.objects.filter(version=version).select_related("written_by__person"), now)


def excused_stages(version_ids: Iterable[int], *, now: datetime) -> frozenset[str]:
    """Keys of the empty stages that an exception lets stand today, in any of some versions."""
    notes = PolicyFindingNote.objects.filter(version__in=list(version_ids), finding__startswith=f"{UNFILLABLE}: ")
    return frozenset(_counting(notes, now))


def _counting(notes: QuerySet[PolicyFindingNote], now: datetime) -> dict[str, PolicyFindingNote]:
    newest = {note.finding: note for note in notes.order_by("written_at", "pk")}
    return {
        key: note
        for key, note in newest.items()
        # What was written before such exceptions had an end excuses nothing.
        if not needs_end(key) or (note.until is not None and now.date() <= note.until)
    }


def _static(whole: CompiledPolicySet, bundle: Bundle, *, now: datetime) -> list[Finding]:
    """Findings that concern this bundle's rules; those of the others were weighed when they came into force."""
    own = {name for rule in bundle.rules for name in (rule.id, rule.parent)}
    parameters = set(unused_parameters(bundle))
    found = _weighed(whole, now.date(), tuple(_exceptions_from(now)))
    return [each for each in found if own.intersection(each.rules) or each in parameters]


@lru_cache(maxsize=WEIGHED_SETS_MAX)
def _weighed(whole: CompiledPolicySet, on: date, exceptions: tuple[RuleException, ...]) -> tuple[Finding, ...]:
    """All static findings: half a second with the solver, so the same rules are weighed once a day in a process."""
    return check_policy_set(whole, on=on, exceptions=exceptions)


def _exceptions_from(now: datetime) -> list[RuleException]:
    """Every approved exception that runs or will run, whatever its scope."""
    rows = PolicyException.objects.filter(state=ExceptionState.APPROVED, valid_to__gt=now)
    return [
        RuleException(
            str(row.pk), row.rule_id, row.reason, (str(row.approved_by_id),),
            min(row.valid_from, now).date(), policies.day_after(row.valid_to),
        )
        for row in rows
    ]  # fmt: skip
