"""A parsed expression over the facts schema to IR: names resolved, types exact, absence and division proven safe.

The policy profile of CEL: no dynamic type, no map, no integer division, no user-supplied regular expression, one level
of quantifier. A whole number beside a double is read as the double it means, so `cost > 5000` is not an error.
"""

from __future__ import annotations

from dataclasses import replace

from governance.display import numbers
from governance.policy.errors import ExpressionTypeError, LimitExceeded, Position
from governance.policy.facts.facts import LIST_ITEMS_MAX, Fact
from governance.policy.facts.facts_schema import NAMESPACES
from governance.policy.language import ast, ir
from governance.policy.language.ast import Span
from governance.policy.language.functions import check_call
from governance.policy.language.guards import Known, known_when_false, known_when_true
from governance.policy.language.meanings import Meanings, UnitMismatch, Word, together
from governance.policy.language.parser import parse
from governance.policy.language.printer import print_string
from governance.policy.language.ranges import range_of
from governance.policy.language.scope import Checked, Scope, Unguarded
from governance.policy.language.types import ELEMENT, LIST_OF, NUMBERS, ORDERED, Type, type_of_fact
from governance.policy.limits import EXPRESSION_COST_MAX, EXPRESSION_DEPTH_MAX, EXPRESSION_NODES_MAX
from governance.policy.suggest import closest

# The walk itself stops here, long before Python's own limit; `depth_of` judges the result.
CHECK_DEPTH_MAX = 2 * EXPRESSION_DEPTH_MAX

PART_WORDS = {"startsWith": "starts with", "endsWith": "ends with", "contains": "contains"}

NOTHING_KNOWN = Known(frozenset(), frozenset())


def check_condition(text: str, scope: Scope) -> Checked:
    """Check the condition of a rule.

    Raises:
        ExpressionSyntaxError, ExpressionTypeError, LimitExceeded: with the position in `text`.
    """
    return check_expression(text, scope, Type.BOOL)


def check_expression(text: str, scope: Scope, expected: Type | None = None) -> Checked:
    """Check an expression of any type, or of the expected one."""
    tree = parse(text)
    checker = Checker(text, scope)
    node = checker.check(tree, NOTHING_KNOWN)
    if expected is Type.DOUBLE:
        node = checker.as_double(node)
    if expected is not None and node.type is not expected:
        raise checker.refuse(f"the expression is a {node.type}, expected a {expected}", tree.span)
    if checker.aliases:
        # Read again with the words that are meant: what follows never sees another name.
        canonical = check_expression(checker.canonical_text(), scope, expected)
        return replace(canonical, warnings=(*checker.alias_warnings(), *canonical.warnings))
    cost = cost_of(node)
    if cost > EXPRESSION_COST_MAX:
        raise LimitExceeded(
            f"the expression costs up to {numbers.count(cost)} steps, "
            f"at most {numbers.count(EXPRESSION_COST_MAX)} are allowed"
        )
    if depth_of(node) > EXPRESSION_DEPTH_MAX:
        raise LimitExceeded(f"written out, the expression nests deeper than {EXPRESSION_DEPTH_MAX}")
    return Checked(
        node=node,
        text=text,
        unguarded=tuple(checker.unguarded.values()),
        warnings=tuple(checker.warnings),
        renamed=tuple(dict.fromkeys(checker.renamed)),
    )


def cost_of(node: ir.Node) -> int:
    """Most nodes that one evaluation may visit."""
    if isinstance(node, ir.Quantifier):
        length = len(node.list.value) if isinstance(node.list, ir.Const) else LIST_ITEMS_MAX
        return 1 + cost_of(node.list) + length * cost_of(node.body)
    if isinstance(node, ir.Const) and isinstance(node.value, tuple):
        return 1 + len(node.value)
    return 1 + sum(cost_of(child) for child in ir.children(node))


def depth_of(node: ir.Node) -> int:
    return 1 + max((depth_of(child) for child in ir.children(node)), default=0)


class Checker:
    """One walk over one expression. `known` says which facts are certainly there, and which certainly not zero."""

    def __init__(self, text: str, scope: Scope) -> None:
        self.text = text
        self.scope = scope
        self.unguarded: dict[str, Unguarded] = {}
        self.warnings: list[str] = []
        self.nodes = 0
        self.depth = 0
        self.items: dict[str, Type] = {}
        self.is_in_quantifier = False
        self.meanings = Meanings(scope)
        # Other names that were written here, and in parameters' values, with the words that they mean.
        self.aliases: dict[Span, str] = {}
        self.renamed: list[tuple[str, str, str]] = []
        # While a named expression is written out, positions are those of its use.
        self.use_span: Span | None = None
        self.open_variables: list[str] = []

    def refuse(self, message: str, span: Span, suggestion: str | None = None) -> ExpressionTypeError:
        start = (self.use_span or span).start
        if self.open_variables:
            message = f"in `variables.{self.open_variables[-1]}`: {message}"
        return ExpressionTypeError(
            message, position=Position.at(self.text, start), source=self.text, suggestion=suggestion
        )

    # -- walk

    def check(self, tree: ast.Expression, known: Known) -> ir.Node:
        self.nodes += 1
        self.depth += 1
        if self.nodes > EXPRESSION_NODES_MAX or self.depth > CHECK_DEPTH_MAX:
            raise LimitExceeded(
                f"written out, it has at most {numbers.count(EXPRESSION_NODES_MAX)} nodes on "
                f"{EXPRESSION_DEPTH_MAX} levels",
                position=Position.at(self.text, (self.use_span or tree.span).start),
                source=self.text,
            )
        node = self.check_tree(tree, known)
        self.depth -= 1
        return node

    def check_tree(self, tree: ast.Expression, known: Known) -> ir.Node:
        match tree:
            case ast.Literal():
                return self.literal(tree)
            case ast.Name() | ast.Select():
                return self.name(tree, known)
            case ast.Unary():
                return self.unary(tree, known)
            case ast.Binary():
                return self.binary(tree, known)
            case ast.Logical():
                return self.logical(tree, known)
            case ast.Conditional():
                return self.conditional(tree, known)
            case ast.ListOf():
                return self.list_of(tree)
            case ast.Call():
                return check_call(self, tree, known)
            case ast.Index():
                raise self.refuse("a policy does not index; use `in` or `exists`", tree.span)
            case ast.MapOf():
                raise self.refuse("a policy has no maps", tree.span)

    def literal(self, tree: ast.Literal) -> ir.Node:
        types = {"bool": Type.BOOL, "int": Type.INT, "double": Type.DOUBLE, "string": Type.STRING}
        if tree.kind not in types:
            hint = "ask `!has(fact)` for absence" if tree.kind == "null" else "write it as an int or a double"
            raise self.refuse(f"a policy has no {tree.kind} literals; {hint}", tree.span)
        if isinstance(tree.value, str) and "\0" in tree.value:
            # No fact can hold it, and neither can a column of the database.
            raise self.refuse("a text must not hold NUL", tree.span)
        return ir.Const(value=tree.value, type=types[tree.kind], span=tree.span)

    def name(self, tree: ast.Name | ast.Select, known: Known) -> ir.Node:
        dotted = ast.dotted_name(tree)
        if dotted is None:
            raise self.refuse(f"nothing has a field `{getattr(tree, 'field', '')}` here", tree.span)
        if dotted in self.items:
            return ir.ItemRef(name=dotted, type=self.items[dotted], span=tree.span)
        head, _, rest = dotted.partition(".")
        if head == "params" and rest:
            return self.param(rest, tree.span)
        if head == "variables" and rest:
            return self.variable(rest, tree.span, known)
        return self.fact(dotted, tree.span, known)

    def param(self, name: str, span: Span) -> ir.Node:
        info = self.scope.params.get(name)
        if info is None:
            near = closest(name, self.scope.params)
            raise self.refuse(f"unknown parameter `{name}`", span, f"params.{near}" if near else None)
        return ir.ParamRef(name=name, type=info.type, span=span)

    def variable(self, name: str, span: Span, known: Known) -> ir.Node:
        text = self.scope.variables.get(name)
        if text is None:
            near = closest(name, self.scope.variables)
            raise self.refuse(f"unknown named expression `{name}`", span, f"variables.{near}" if near else None)
        if name in self.open_variables:
            raise self.refuse(f"`variables.{name}` is defined by itself", span)
        outer_span, outer_items, outer_lists = self.use_span, self.items, self.meanings.items
        self.use_span = outer_span or span
        self.items, self.meanings.items = {}, {}
        self.open_variables.append(name)
        node = self.check(parse(text), known)
        self.open_variables.pop()
        self.use_span, self.items, self.meanings.items = outer_span, outer_items, outer_lists
        return node

    def resolve_fact(self, dotted: str, span: Span) -> Fact:
        fact = self.scope.facts.get(dotted)
        if fact is None:
            what = "field" if "." in dotted or dotted not in NAMESPACES else "group of facts used as a value"
            known_names = [*self.scope.facts, *(f"params.{name}" for name in self.scope.params)]
            raise self.refuse(f"unknown {what} `{dotted}`", span, closest(dotted, known_names))
        return fact

    def fact(self, dotted: str, span: Span, known: Known) -> ir.Node:
        fact = self.resolve_fact(dotted, span)
        is_guarded = not fact.optional or dotted in known.present
        if not is_guarded and dotted not in self.unguarded:
            position = Position.at(self.text, (self.use_span or span).start)
            self.unguarded[dotted] = Unguarded(fact=dotted, position=position)
        return ir.FactRef(name=dotted, type=type_of_fact(fact), is_guarded=is_guarded, span=span)

    def unary(self, tree: ast.Unary, known: Known) -> ir.Node:
        operand = self.check(tree.operand, known)
        if tree.operator == "!":
            self.require(operand, Type.BOOL, tree.operand.span, "`!` needs a condition")
            return ir.Not(operand=operand, span=tree.span)
        if operand.type not in NUMBERS:
            raise self.refuse(f"`-` needs a number, found a {operand.type}", tree.operand.span)
        return ir.Negate(operand=operand, type=operand.type, span=tree.span)

    def require(self, node: ir.Node, type: Type, span: Span, what: str) -> None:
        if node.type is not type:
            raise self.refuse(f"{what}, found a {node.type}", span)

    def logical(self, tree: ast.Logical, known: Known) -> ir.Node:
        is_and = tree.operator == "&&"
        operands: list[ir.Node] = []
        for part in tree.operands:
            operand = self.check(part, known)
            self.require(operand, Type.BOOL, part.span, f"`{tree.operator}` needs conditions on both sides")
            operands.append(operand)
            # What stands to the right is only reached when this did not already decide.
            known = known | (known_when_true(operand) if is_and else known_when_false(operand))
        node_type = ir.And if is_and else ir.Or
        return node_type(operands=tuple(operands), span=tree.span)

    def conditional(self, tree: ast.Conditional, known: Known) -> ir.Node:
        condition = self.check(tree.condition, known)
        self.require(condition, Type.BOOL, tree.condition.span, "`?` needs a condition")
        then = self.check(tree.then, known | known_when_true(condition))
        otherwise = self.check(tree.otherwise, known | known_when_false(condition))
        then, otherwise = self.promote(then, otherwise)
        if then.type in ELEMENT or otherwise.type in ELEMENT:
            raise self.refuse("the answers of `?:` are not lists", tree.then.span)
        if then.type is not otherwise.type:
            raise self.refuse(f"the two answers differ: a {then.type} and a {otherwise.type}", tree.then.span)
        if then.type in NUMBERS:
            self.check_units(then, otherwise, tree.then.span)
        return ir.If(condition=condition, then=then, otherwise=otherwise, type=then.type, span=tree.span)

    def binary(self, tree: ast.Binary, known: Known) -> ir.Node:
        left, right = self.check(tree.left, known), self.check(tree.right, known)
        if tree.operator == "in":
            return self.membership(tree, left, right)
        left, right = self.promote(left, right)
        if tree.operator in ("==", "!=", "<", "<=", ">", ">="):
            return self.comparison(tree, left, right)
        return self.arithmetic(tree, left, right, known)

    # -- numbers

    def as_double(self, node: ir.Node) -> ir.Node:
        """A whole-number constant as the double it means; anything else as it is."""
        if isinstance(node, ir.Const) and node.type is Type.INT:
            return ir.Const(value=float(node.value), type=Type.DOUBLE, span=node.span)
        return node

    def promote(self, left: ir.Node, right: ir.Node) -> tuple[ir.Node, ir.Node]:
        """`cost > 5000` means 5000.0. Only constants: an int fact beside a double fact is written `double(fact)`."""
        if Type.DOUBLE in (left.type, right.type):
            left, right = self.as_double(left), self.as_double(right)
        if left.type is Type.DOUBLE_LIST or right.type is Type.DOUBLE_LIST:
            left, right = self.as_double(left), self.as_double(right)
        return left, right

    def mixed(self, operator: str, left: ir.Node, right: ir.Node, span: Span) -> ExpressionTypeError:
        if {left.type, right.type} == {Type.INT, Type.DOUBLE}:
            whole = left if left.type is Type.INT else right
            source = "" if self.use_span else self.text[whole.span.start : whole.span.end]
            return self.refuse(
                f"`{operator}` does not mix an int and a double", span, f"double({source})" if source else None
            )
        return self.refuse(f"`{operator}` does not take a {left.type} and a {right.type}", span)

    def comparison(self, tree: ast.Binary, left: ir.Node, right: ir.Node) -> ir.Node:
        if left.type is not right.type:
            raise self.mixed(tree.operator, left, right, tree.span)
        is_equality = tree.operator in ("==", "!=")
        if left.type in ELEMENT or (not is_equality and left.type not in ORDERED):
            raise self.refuse(f"`{tree.operator}` does not take a {left.type}", tree.span)
        if is_equality:
            self.check_words(left, right)
            self.check_words(right, left)
        self.check_units(left, right, tree.span)
        return ir.Compare(operator=tree.operator, left=left, right=right, span=tree.span)

    # -- closed sets

    def check_words(self, of: ir.Node, beside: ir.Node) -> None:
        """Words that a fact can never be are slips of the pen: the rule would silently never fire."""
        if self.scope.vocabulary is None and not (
            isinstance(of, ir.FactRef) and isinstance(beside, (ir.Const, ir.ParamRef))
        ):
            return
        for name in self.meanings.facts_of(of):
            for word in self.meanings.words_of(beside):
                self.check_word(self.scope.facts[name], word)

    def check_word(self, fact: Fact, word: Word) -> None:
        vocabulary = self.scope.vocabulary
        known = vocabulary.of_fact(fact) if vocabulary is not None else None
        if known is None:
            self.check_choice(fact, word)
            return
        meant = known.canonical(word.text)
        if meant is None:
            error = self.refuse(self.never(fact, word), word.span, known.nearest(word.text))
            if word.param:
                error.data |= {"param": word.param, "word": word.text}
            raise error
        if meant == word.text:
            return
        if word.param:
            self.renamed.append((word.param, word.text, meant))
        elif self.use_span is not None:
            raise self.refuse(f"`{word.text}` is another name of `{meant}`", word.span, meant)
        else:
            self.aliases[word.span] = meant

    def check_choice(self, fact: Fact, word: Word) -> None:
        """Without a vocabulary: the choices that the schema itself states."""
        if not fact.choices or word.text in fact.choices or (fact.is_open and word.param):
            return
        near = closest(word.text, fact.choices)
        if not fact.is_open:
            raise self.refuse(self.never(fact, word), word.span, near)
        hint = f", did you mean `{near}`?" if near else ""
        self.warnings.append(f"`{word.text}` is not one of the known values of `{fact.name}`{hint}")

    def never(self, fact: Fact, word: Word) -> str:
        where = f", which `params.{word.param}` lists" if word.param else ""
        return f"`{fact.name}` is never `{word.text[:60]}`{where}"

    def canonical_text(self) -> str:
        text = self.text
        for span, meant in sorted(self.aliases.items(), key=lambda pair: -pair[0].start):
            text = text[: span.start] + print_string(meant) + text[span.end :]
        return text

    def alias_warnings(self) -> tuple[str, ...]:
        return tuple(
            f"{self.text[span.start : span.end]} is read as `{meant}`"
            for span, meant in sorted(self.aliases.items(), key=lambda pair: pair[0].start)
        )

    def check_part_of_word(self, operand: ir.Node, function: str, argument: ir.Node) -> None:
        """A beginning, an end or a part that no word of a closed set has."""
        vocabulary = self.scope.vocabulary
        for name in self.meanings.facts_of(operand) if vocabulary is not None else ():
            known = vocabulary.of_fact(self.scope.facts[name]) if vocabulary is not None else None
            for part in self.meanings.words_of(argument) if known is not None and known.words else ():
                test = {"startsWith": str.startswith, "endsWith": str.endswith}.get(function, str.__contains__)
                if known is not None and not any(test(word, part.text) for word in known.words):
                    message = f"no {known.noun} {PART_WORDS[function]} `{part.text[:60]}`"
                    raise self.refuse(message, part.span, known.nearest(part.text))

    # -- units

    def check_units(self, left: ir.Node, right: ir.Node, span: Span) -> None:
        """Two numbers that are compared or added count the same."""
        if self.scope.vocabulary is None:
            return
        try:
            together(self.meanings.unit_of(left), self.meanings.unit_of(right))
        except UnitMismatch as mismatch:
            message = f"`{self.source_of(left, span)}` is in {mismatch.left.text}, and this in {mismatch.right.text}"
            raise self.refuse(f"{message}: they do not go together", right.span if right.span.end else span) from None

    def source_of(self, node: ir.Node, span: Span) -> str:
        if isinstance(node, (ir.FactRef, ir.ParamRef)):
            return f"params.{node.name}" if isinstance(node, ir.ParamRef) else node.name
        chosen = node.span if node.span.end else span
        return "the left side" if self.use_span else self.text[chosen.start : chosen.end][:80]

    def membership(self, tree: ast.Binary, left: ir.Node, right: ir.Node) -> ir.Node:
        if right.type not in ELEMENT:
            raise self.refuse(f"`in` needs a list on its right, found a {right.type}", tree.right.span)
        left = self.as_double(left) if right.type is Type.DOUBLE_LIST else left
        if left.type is Type.DOUBLE and right.type is Type.INT_LIST and isinstance(right, ir.Const):
            right = ir.Const(value=tuple(map(float, right.value)), type=Type.DOUBLE_LIST, span=right.span)
        if left.type is not ELEMENT[right.type]:
            raise self.refuse(f"`in` does not find a {left.type} in a {right.type}", tree.span)
        self.check_words(left, right)
        self.check_words(right, left)
        self.check_units(left, right, tree.span)
        return ir.In(item=left, list=right, span=tree.span)

    def arithmetic(self, tree: ast.Binary, left: ir.Node, right: ir.Node, known: Known) -> ir.Node:
        operator = tree.operator
        result = _TIME_ARITHMETIC.get((operator, left.type, right.type))
        if result is not None:
            return ir.Arithmetic(operator=operator, left=left, right=right, type=result, span=tree.span)
        if left.type is not right.type:
            raise self.mixed(operator, left, right, tree.span)
        if left.type not in NUMBERS:
            raise self.refuse(f"`{operator}` does not take a {left.type} and a {right.type}", tree.span)
        if operator == "%" or (operator == "/" and left.type is Type.INT):
            raise self.refuse("a policy has no whole-number division; divide doubles", tree.span)
        if operator == "/" and not self.is_never_zero(right, known):
            raise self.refuse("the divisor may be zero; ask `!= 0.0` or `> 0.0` first", tree.right.span)
        if operator in ("+", "-"):
            self.check_units(left, right, tree.span)
        node = ir.Arithmetic(operator=operator, left=left, right=right, type=left.type, span=tree.span)
        if not range_of(node, self.scope.facts, self.scope.params).fits(node.type):
            hint = "int may overflow; use double(…)" if node.type is Type.INT else "double may overflow"
            raise self.refuse(f"`{operator}` on this {hint}", tree.span)
        return node

    def is_never_zero(self, node: ir.Node, known: Known) -> bool:
        if range_of(node, self.scope.facts, self.scope.params).excludes_zero:
            return True
        return isinstance(node, ir.FactRef) and node.name in known.nonzero

    # -- lists

    def list_of(self, tree: ast.ListOf) -> ir.Node:
        nodes = [self.check(item, NOTHING_KNOWN) for item in tree.items]
        constants = [node for node in nodes if isinstance(node, ir.Const)]
        if len(constants) != len(nodes):
            raise self.refuse("a list holds constants only", tree.span)
        types = {node.type for node in constants}
        if types == {Type.INT, Type.DOUBLE}:
            constants = [node for node in map(self.as_double, constants) if isinstance(node, ir.Const)]
            types = {Type.DOUBLE}
        if len(types) > 1 or not types <= set(LIST_OF):
            raise self.refuse("a list holds texts, or numbers, not a mixture", tree.span)
        # An empty list is one of texts; nothing is in it either way.
        element = types.pop() if types else Type.STRING
        self.meanings.item_spans[tree.span] = tuple(item.span for item in tree.items)
        return ir.Const(value=tuple(node.value for node in constants), type=LIST_OF[element], span=tree.span)


_TIME_ARITHMETIC = {
    ("-", Type.TIMESTAMP, Type.TIMESTAMP): Type.DURATION,
    ("+", Type.TIMESTAMP, Type.DURATION): Type.TIMESTAMP,
    ("-", Type.TIMESTAMP, Type.DURATION): Type.TIMESTAMP,
}
