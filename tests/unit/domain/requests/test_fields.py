"""One row of the table is a field everywhere: parser, form, API schema, comparison, labels, facts and page of docs."""

from __future__ import annotations

from datetime import date

import pytest
from django.http import QueryDict
from django.template.loader import render_to_string

from docs.fields_page import fields_markdown
from estimator.core.pricing.place import PriceTerm
from estimator.core.workload.fields import WorkloadKind
from governance.api.requests.content import content_schema
from governance.display.answers import listed
from governance.domain.errors import InvalidRequest
from governance.domain.requests import fields
from governance.domain.requests.fields import Choice, Control, Field, FieldType, Step
from governance.domain.requests.parse import RequestContent
from governance.policy.facts.facts_schema import FACTS_BY_NAME
from governance.selectors.requests.facts import _answers
from governance.selectors.requests.story.revisions import compare_contents
from governance.web.requests import drafts, steps
from governance.web.requests.answers import read_step
from governance.web.requests.sentences import _purpose
from tests.cast import content
from tests.plugins.servers import ROOT

REGION_OF_DATA = Field(
    name="data_residency", type=FieldType.CHOICE, step=Step.PURPOSE, label="Data residency",
    question="Where must the data stay?", hint="As the contract says.",
    choices=(Choice("anywhere", "Anywhere"), Choice("eea", "EEA", "Inside the European Economic Area.")),
    is_absent_unanswered=True, fact="request.purpose", control=Control.RADIOS, phrase="data stays in {}",
    is_listed=True,
)  # fmt: skip


@pytest.fixture
def row(monkeypatch: pytest.MonkeyPatch) -> Field:
    monkeypatch.setattr(fields, "FIELDS", (*fields.FIELDS, REGION_OF_DATA))
    return REGION_OF_DATA


class Nobody:
    """The registers of a person who may name nothing."""

    projects = grants = lineages = purposes = providers = prohibited_uses = ()
    snapshot = None


def parsed(**changes: object) -> RequestContent:
    return RequestContent.parse(content(**changes))


def test_the_parser_reads_and_refuses_it(row: Field) -> None:
    assert parsed(data_residency="eea").answers[row.name] == "eea"
    with pytest.raises(InvalidRequest) as error:
        parsed(data_residency="mars")
    assert error.value.errors == {row.name: ["`mars` is not one of: anywhere, eea"]}


def test_content_from_before_it_keeps_its_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    before = parsed().digest
    monkeypatch.setattr(fields, "FIELDS", (*fields.FIELDS, REGION_OF_DATA))
    assert parsed().digest == before != parsed(data_residency="eea").digest


def test_the_form_asks_reads_and_says_it(row: Field) -> None:
    form = steps.build("purpose", {}, registers=Nobody(), today=date(2026, 6, 1), errors={row.name: "choose one"})  # type: ignore[arg-type]
    assert form.blocks[-1].questions == [form.questions[row.name]]
    page = render_to_string(form.blocks[-1].template, {"block": form.blocks[-1], "q": form.questions, "form": form})
    assert all(text in page for text in (row.question, row.hint, 'value="eea"', "Inside the European", "Choose one"))
    answers, errors = read_step("purpose", QueryDict("data_residency=eea"), {})
    assert (answers[row.name], errors) == ("eea", {})
    assert (drafts.step_of(row.name), drafts.name_of(row.name)) == ("purpose", "Data residency")
    assert "data stays in EEA" in _purpose(answers, Nobody())  # type: ignore[arg-type]


def test_the_api_describes_it(row: Field) -> None:
    described = content_schema()["properties"][row.name]
    assert described["enum"] == ["anywhere", "eea", None]
    assert described["description"].startswith("Data residency. Where must the data stay?")


def test_a_comparison_and_a_list_of_answers_say_it(row: Field) -> None:
    changes, _ = compare_contents(content(), content(data_residency="eea"))
    assert [(change.label, change.was, change.now) for change in changes] == [("Data residency", "none", "EEA")]
    assert ("Data residency", "EEA") in listed(parsed(data_residency="eea"))
    assert ("Data residency", "EEA") in listed(content(data_residency="eea"))


def test_rules_and_docs_see_it(row: Field) -> None:
    assert _answers(parsed(data_residency="eea"), None)[row.fact] == "eea"
    assert "| `data_residency` | Data residency | choice | `anywhere`, `eea` |" in fields_markdown()


def test_the_page_is_that_of_the_table() -> None:
    assert (ROOT / "docs" / "fields.md").read_text(encoding="utf-8") == fields_markdown()


def test_every_row_can_be_asked_and_named() -> None:
    names = fields.names()
    assert len(set(names)) == len(names)
    assert all(row.label and (row.question or row.type is FieldType.WORK) for row in fields.FIELDS)
    assert {row.widget for row in fields.FIELDS if row.widget} == set(steps._WIDGETS)
    assert {row.block for row in fields.FIELDS} >= set(steps._BLOCK_TEMPLATES) | set(steps._FOLDED_BLOCKS)


def test_its_choices_are_those_of_the_fact_and_of_the_estimator() -> None:
    for row in fields.FIELDS:
        fact = FACTS_BY_NAME[row.fact] if row.fact else None
        if fact is not None and row.choices and fact.choices:
            missing = set(fact.choices) ^ set(row.slugs) if not fact.is_open else set(fact.choices) - set(row.slugs)
            assert not missing, row.name
    assert set(fields.field("workload").slugs) == set(WorkloadKind)
    assert set(fields.field("price_term").slugs) == set(PriceTerm)


def test_content_is_never_changed() -> None:
    one = parsed()
    with pytest.raises(AttributeError, match="never changed"):
        one.title = "Another"
    assert one.changed(title="Another").title == "Another"
    assert one == parsed() != one.changed(title="Another")
    with pytest.raises(TypeError, match="colour"):
        one.changed(colour="red")
