"""A policy set against stored decisions: what each would have come to, as a matrix of old and new outcomes.

History comes in parts (months). Per part and condition the fired rows are kept as bits under the digest of the
condition with its parameters, so that a draft that changes one rule only judges that rule anew.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from governance.policy.backends.bitmaps import Bits, RuleBits, count_bits, either, full, run
from governance.policy.backends.columns import Column, Columns
from governance.policy.backends.columns_backend import ColumnsProgram
from governance.policy.bundle.effects import EffectKind, OnError, Outcome
from governance.policy.decisions.policy_set import BoundRule, CompiledPolicySet
from governance.policy.language import ir

# The column that holds what was decided then, beside the facts.
OUTCOME_COLUMN = "decision.outcome"
# Programs that one policy set keeps: one for all its rules, and one for each few that a draft changed.
PROGRAMS_MAX = 50
OUTCOMES = (Outcome.DENY, Outcome.REVIEW, Outcome.ALLOW)


class BitCache(Protocol):
    """Where fired rows are kept between backtests. What it forgets is computed again."""

    def get(self, part: str, digest: str) -> RuleBits | None: ...

    def put(self, part: str, digest: str, bits: RuleBits) -> None: ...


@dataclass(slots=True)
class MemoryCache:
    """Keeps bits in memory, the longest unused forgotten first. 1,000,000 rows are 125 kB per rule."""

    bytes_max: int = 256_000_000
    _kept: OrderedDict[tuple[str, str], RuleBits] = field(default_factory=OrderedDict)
    _bytes: int = 0

    def get(self, part: str, digest: str) -> RuleBits | None:
        found = self._kept.get((part, digest))
        if found is not None:
            self._kept.move_to_end((part, digest))
        return found

    def put(self, part: str, digest: str, bits: RuleBits) -> None:
        if (part, digest) in self._kept:
            return
        self._kept[part, digest] = bits
        self._bytes += _size(bits)
        while self._bytes > self.bytes_max and self._kept:
            _, forgotten = self._kept.popitem(last=False)
            self._bytes -= _size(forgotten)


def _size(bits: RuleBits) -> int:
    return bits.fired.nbytes + (bits.unsure.nbytes if bits.unsure is not None else 0)


@dataclass(frozen=True, slots=True)
class OutcomeBits:
    """Which rows come to which outcome: every row to exactly one."""

    count: int
    by_outcome: Mapping[Outcome, Bits]

    def within(self, kept: NDArray[np.bool_] | None) -> OutcomeBits:
        """Only some rows; the others come to nothing at all."""
        if kept is None:
            return self
        mask = np.packbits(kept)
        return OutcomeBits(self.count, {outcome: bits & mask for outcome, bits in self.by_outcome.items()})


@dataclass(slots=True)
class Matrix:
    """How many rows went from which old outcome to which new one."""

    counts: dict[tuple[Outcome, Outcome], int] = field(
        default_factory=lambda: {(old, new): 0 for old in OUTCOMES for new in OUTCOMES}
    )

    def add(self, old: OutcomeBits, new: OutcomeBits) -> None:
        for before in OUTCOMES:
            for after in OUTCOMES:
                self.counts[before, after] += count_bits(old.by_outcome[before] & new.by_outcome[after])

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def flipped(self) -> int:
        return sum(count for (old, new), count in self.counts.items() if old is not new)

    def rows(self) -> list[tuple[Outcome, Outcome, int]]:
        """Changes first, the loosest of all (DENY to ALLOW) at the top; then what stayed."""
        return sorted(
            ((old, new, count) for (old, new), count in self.counts.items()),
            key=lambda each: (each[0] is each[1], each[1].strictness - each[0].strictness, each[0].strictness),
        )


class Backtest:
    """One policy set as in force on one day, over any number of parts."""

    def __init__(
        self, policy_set: CompiledPolicySet, *, on: date, cache: BitCache | None = None, workers: int = 1
    ) -> None:
        dated = policy_set.at(on)
        self.rules: Sequence[BoundRule] = dated.rules
        self.cache = cache if cache is not None else MemoryCache()
        self.workers = workers
        self._digests = [rule.condition_digest for rule in self.rules]
        self._programs: dict[tuple[int, ...], ColumnsProgram] = dated.programs

    def facts(self) -> tuple[str, ...]:
        """The facts that any rule looks at: the columns that a part has to bring."""
        return tuple(dict.fromkeys(name for rule in self.rules for name in ir.fact_names(rule.condition)))

    def missing(self, part: str) -> list[int]:
        """Rules whose rows of a part are not known yet."""
        return [index for index, digest in enumerate(self._digests) if self.cache.get(part, digest) is None]

    def facts_missing(self, part: str) -> tuple[str, ...]:
        """The facts that have to be read for a part; none when every rule is known."""
        wanted = (ir.fact_names(self.rules[index].condition) for index in self.missing(part))
        return tuple(dict.fromkeys(name for names in wanted for name in names))

    def rule_bits(self, part: str, columns: Columns) -> list[RuleBits]:
        """The rows of every rule, judged where they are not known."""
        missing = self.missing(part)
        fresh: dict[int, RuleBits] = {}
        if missing:
            key = tuple(missing)
            program = self._programs.get(key)
            if program is None:
                if len(self._programs) >= PROGRAMS_MAX:
                    self._programs.clear()
                program = self._programs[key] = ColumnsProgram([self.rules[index].condition for index in missing])
            results = run(program, columns, len(missing), workers=self.workers)
            for index, bits in zip(missing, results, strict=True):
                fresh[index] = bits
                self.cache.put(part, self._digests[index], bits)
        found: list[RuleBits] = []
        for index, digest in enumerate(self._digests):
            known = fresh.get(index) or self.cache.get(part, digest)
            # A cache may forget between two questions; then the rule is judged once more.
            found.append(known or run(ColumnsProgram([self.rules[index].condition]), columns, 1)[0])
        return found

    def outcomes(self, part: str, columns: Columns, *, excepted: Mapping[str, Bits] | None = None) -> OutcomeBits:
        """What each row of a part would have come to.

        Args:
            excepted: rule or table to the rows where an exception takes its effect away.
        """
        return combine(self.rules, self.rule_bits(part, columns), columns.count, excepted or {})


def combine(
    rules: Sequence[BoundRule], bits: Sequence[RuleBits], count: int, excepted: Mapping[str, Bits]
) -> OutcomeBits:
    """Fired rows of all rules to outcomes: the same combining as `decision.decide`, eight rows at a time."""
    size = (count + 7) // 8
    denied, required, permitted, unjudged = (np.zeros(size, np.uint8) for _ in range(4))
    for rule, own in zip(rules, bits, strict=True):
        removed = removed_rows(rule, excepted, size)
        fired = own.fired & ~removed
        unsure = own.unsure
        if unsure is not None:
            # A rule that nobody could judge keeps a person in the loop, exception or not.
            unjudged |= unsure
            unsure = unsure & ~removed
            if rule.on_error is OnError.DENY:
                denied |= unsure
        counted = fired if unsure is None else fired | unsure
        if rule.kind is EffectKind.DENY:
            denied |= counted
        elif rule.kind is EffectKind.REQUIRE:
            required |= counted
        elif rule.kind is EffectKind.ALLOW:
            permitted |= fired
    everyone = full(count)
    allowed = permitted & ~(denied | required | unjudged)
    return OutcomeBits(
        count,
        {Outcome.DENY: denied, Outcome.REVIEW: everyone & ~(denied | allowed), Outcome.ALLOW: allowed},
    )


def removed_rows(rule: BoundRule, excepted: Mapping[str, Bits], size: int) -> Bits:
    """Rows where an exception takes the rule's effect away; it may name the rule or its table."""
    return either([excepted[name] for name in {rule.rule_id, rule.parent} if name in excepted], size)


def counted_rows(rule: BoundRule, own: RuleBits, excepted: Mapping[str, Bits], size: int) -> Bits:
    """Rows where the rule's effect counts: fired, or not to be judged where that counts as fired, and not excepted."""
    counts_unsure = own.unsure is not None and rule.kind is not EffectKind.ALLOW
    counted = own.fired | own.unsure if counts_unsure and own.unsure is not None else own.fired
    return counted & ~removed_rows(rule, excepted, size)


def outcomes_of(column: Column, count: int) -> OutcomeBits:
    """The stored outcomes of a part, from their column (texts `deny`, `review`, `allow`)."""
    words = column.dictionary or ()
    by_outcome: dict[Outcome, Bits] = {}
    for outcome in OUTCOMES:
        codes = [code for code, word in enumerate(words) if word == outcome.value]
        truth = np.isin(column.values, codes) if len(codes) != 1 else column.values == codes[0]
        by_outcome[outcome] = np.packbits(truth)
    return OutcomeBits(count, by_outcome)
