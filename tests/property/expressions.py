"""Random expressions of the policy profile, and rows of facts that meet them: the ground of the differential tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from governance.policy.errors import PolicyError
from governance.policy.facts.examples import plain_facts
from governance.policy.facts.facts_schema import FACTS_BY_NAME
from governance.policy.language.checker import check_condition
from governance.policy.language.ir import Node
from governance.policy.language.scope import Scope

# Some facts of each type, required and optional.
DOUBLES = (
    "request.exposure_usd", "request.window_days", "estimate.run_flop_p90", "budget.headroom_after_usd",
    "estimate.commitment_tail_usd", "place.pue", "vendor.hhi_after", "history.grant_increase_ratio",
)  # fmt: skip
INTS = ("request.accelerator_count", "place.pool_free_count", "history.closeouts_overdue")
BOOLS = ("request.customer_data", "estimate.memory_fits", "people.aup_current")
TEXTS = ("request.purpose", "place.country", "request.data_class", "place.provider")
LISTS = ("request.use_tags", "thresholds.may_exceed")
INSTANTS = ("request.start_at", "request.end_at", "clock.decided_at")
USED = (*DOUBLES, *INTS, *BOOLS, *TEXTS, *LISTS, *INSTANTS)

NUMBERS = (-1e300, -2500.0, -1.0, -0.0, 0.0, 5e-324, 1e-200, 0.1, 0.5, 1.0, 1.1, 30.0, 2500.0, 25_000.0, 1e12, 1e25)
WHOLES = (-3, 0, 1, 2, 8, 64, 1_000_000_000)
WORDS = ("a", "b", "ab", "medical", "research", "DE", "de", "internal", "public", "ünï", "ß", "%s", "z'\"\\")
EPOCH = datetime(2026, 11, 1, tzinfo=UTC)
COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")


class Maker:
    """Draws expressions as text; what the checker refuses (an overflow, a division unproven) is drawn again."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)

    def condition(self) -> tuple[str, Node]:
        while True:
            text = self.boolean(3)
            try:
                return text, check_condition(text, Scope()).node
            except PolicyError as error:
                # Nothing else may stand against what is drawn here.
                if not any(word in error.message for word in ("overflow", "never", "zero", "nest")):
                    raise

    def pick(self, *choices: Any) -> Any:
        return self.random.choice(choices)

    # -- conditions

    def boolean(self, depth: int) -> str:
        if depth == 0 or self.random.random() < 0.25:
            return self.leaf()
        kind = self.random.randrange(8)
        if kind < 3:
            word = self.pick(" && ", " || ")
            return "(" + word.join(self.boolean(depth - 1) for _ in range(self.random.randint(2, 3))) + ")"
        if kind == 3:
            return f"!({self.boolean(depth - 1)})"
        if kind == 4:
            return f"({self.boolean(depth - 1)} ? {self.boolean(depth - 1)} : {self.boolean(depth - 1)})"
        if kind == 5:
            # The usual way to write a rule about what may be absent.
            name = self.pick(*DOUBLES, *INTS, *TEXTS)
            return f"(has({name}) && {self.comparison(name)})"
        return self.leaf()

    def comparison(self, name: str) -> str:
        sign = self.pick(*COMPARISONS)
        if name in DOUBLES:
            return f"{name} {sign} {self.double(1)}"
        if name in INTS:
            return f"{name} {sign} {self.whole(1)}"
        return f"{name} {sign} {self.text(name)}"

    def leaf(self) -> str:
        makers = (
            lambda: f"{self.double(2)} {self.pick(*COMPARISONS)} {self.double(2)}",
            lambda: f"{self.whole(2)} {self.pick(*COMPARISONS)} {self.whole(1)}",
            lambda: f"{self.any_text()} {self.pick('<', '<=', '>', '>=')} {self.any_text()}",
            lambda: self.comparison(self.pick(*TEXTS)),
            lambda: f"{self.instant()} {self.pick(*COMPARISONS)} {self.instant()}",
            lambda: f"{self.pick(*INSTANTS)} - {self.pick(*INSTANTS)} {self.pick(*COMPARISONS)} {self.span()}",
            lambda: self.pick(*BOOLS),
            lambda: f"{self.pick(*BOOLS)} {self.pick('==', '!=')} {self.pick('true', 'false', *BOOLS)}",
            lambda: f"has({self.pick(*USED)})",
            self.member,
            lambda: f"{self.any_text()}.{self.pick('startsWith', 'endsWith', 'contains')}({self.any_text()})",
            self.quantifier,
            self.quantifier,
            lambda: self.pick("true", "false"),
        )
        return str(self.random.choice(makers)())

    def member(self) -> str:
        kind = self.random.randrange(5)
        if kind == 0:
            name = self.pick("request.purpose", "place.country", "place.provider")
            return f"{name} in [{', '.join(self.word() for _ in range(self.random.randrange(5)))}]"
        if kind == 1:
            return f"{self.any_text()} in {self.pick(*LISTS)}"
        if kind == 2:
            return f"{self.double(1)} in [{', '.join(repr(self.pick(*NUMBERS)) for _ in range(3))}]"
        if kind == 3:
            return f"{self.whole(1)} in [{', '.join(repr(self.pick(*WHOLES)) for _ in range(3))}]"
        return f"{self.any_text()} in []"

    def quantifier(self) -> str:
        kind, function = self.random.randrange(4), self.pick("exists", "all")
        if kind == 0:
            body = f"x {self.pick(*COMPARISONS)} {self.pick(self.word(), 'place.country', 'request.purpose')}"
            return f"{self.pick(*LISTS)}.{function}(x, {body})"
        if kind == 1:
            body = self.pick(
                f"x in [{self.word()}, {self.word()}]",
                f"x.startsWith({self.word()})",
                "x in request.use_tags",
                "size(x) > 2",
                "x == place.provider || request.customer_data",
            )
            return f"{self.pick(*LISTS)}.{function}(x, {body})"
        if kind == 2:
            body = f"{self.pick(*DOUBLES)} {self.pick(*COMPARISONS)} x && {self.pick(*DOUBLES)} > x"
            return f"[{', '.join(repr(self.pick(*NUMBERS)) for _ in range(3))}].{function}(x, {body})"
        return f"[{self.word()}, {self.word()}].{function}(x, x == {self.any_text()})"

    # -- values

    def double(self, depth: int) -> str:
        kind = self.random.randrange(9) if depth else self.random.randrange(4)
        if kind < 3:
            return str(self.pick(*DOUBLES))
        if kind == 3:
            return repr(self.pick(*NUMBERS))
        if kind == 4:
            return f"{self.pick('max', 'min')}({self.double(depth - 1)}, {self.double(depth - 1)})"
        if kind == 5:
            return f"double({self.pick(*INTS)})"
        if kind == 6:
            return f"-({self.double(depth - 1)})"
        if kind == 7:
            divisor = self.pick("place.pue", "2.5", "-0.001", "1e100")
            return f"({self.double(depth - 1)} / {divisor})"
        return f"({self.double(depth - 1)} {self.pick('+', '-', '*')} {self.double(depth - 1)})"

    def whole(self, depth: int) -> str:
        kind = self.random.randrange(6) if depth else self.random.randrange(2)
        if kind == 0:
            return str(self.pick(*INTS))
        if kind == 1:
            return repr(self.pick(*WHOLES))
        if kind == 2:
            return f"size({self.pick(*LISTS, *TEXTS)})"
        if kind == 3:
            return f"-({self.whole(depth - 1)})"
        if kind == 4:
            return f"{self.pick('max', 'min')}({self.whole(depth - 1)}, {self.whole(depth - 1)})"
        return f"({self.whole(depth - 1)} {self.pick('+', '-')} {self.whole(depth - 1)})"

    def word(self) -> str:
        return "'" + str(self.pick(*WORDS)).replace("\\", "\\\\").replace("'", "\\'") + "'"

    def text(self, name: str) -> str:
        choices = FACTS_BY_NAME[name].choices
        return f"'{self.pick(*choices)}'" if choices else self.word()

    def any_text(self) -> str:
        return str(self.pick("place.country", "request.purpose", "place.provider", self.word()))

    def instant(self) -> str:
        base = self.pick(*INSTANTS, *INSTANTS, "timestamp('2026-11-10T00:00:00Z')")
        return str(base) if self.random.random() < 0.6 else f"({base} {self.pick('+', '-')} {self.span()})"

    def span(self) -> str:
        return f"duration('{self.pick('0s', '36h', '-24h', '90m', '336h')}')"

    # -- rows

    def row(self) -> dict[str, Any]:
        """A plain request with the used facts drawn anew; each optional one is absent in two rows of five."""
        facts = plain_facts()
        for name in USED:
            fact = FACTS_BY_NAME[name]
            facts.pop(name, None)
            if not fact.optional or self.random.random() < 0.6:
                facts[name] = self.value(name)
        return facts

    def value(self, name: str) -> Any:
        fact = FACTS_BY_NAME[name]
        low, high = fact.minimum or 0, fact.maximum or 0
        if name in DOUBLES:
            near = [number for number in NUMBERS if low <= number <= high]
            return self.pick(*near) if self.random.random() < 0.8 else self.random.uniform(low, min(high, 1e6))
        if name in INTS:
            return self.pick(*(number for number in WHOLES if low <= number <= high))
        if name in BOOLS:
            return self.random.random() < 0.5
        if name in INSTANTS:
            return EPOCH + timedelta(microseconds=self.random.randrange(0, 30 * 86_400 * 10**6, 3_600 * 10**6))
        if name in LISTS:
            return [self.pick(*WORDS) for _ in range(self.random.randrange(4))]
        return self.pick(*fact.choices) if fact.choices and not fact.is_open else self.pick(*WORDS)
