"""`manage.py policy`: what each word says, and the exit code that a hook or CI goes by."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from importlib import resources
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from governance.display.countries import COUNTRIES
from governance.models import (
    Assessment,
    AuditEvent,
    AuditHead,
    PolicyException,
    PolicyFindingNote,
    PolicyVersion,
    RoleAssignment,
)
from governance.policy.bundle.shipped import BUNDLE_NAMES, shipped_text
from governance.policy.decisions.decision_log import MASK, ChainReader, hash_of
from governance.selectors.people.people import system_actor
from governance.selectors.record import log_proofs
from governance.selectors.record.log_proofs import Proof
from governance.services.people import people
from governance.services.requests import drafts, submission
from governance.services.rules import backtests
from tests.cast import NOW, Cast, add_person, content
from tests.officers import put_in_force, seen_backtest

NBSP = "\N{NO-BREAK SPACE}"
LIMIT = "{value: 25000.0, from: 2024-01-01, source: organisation's own limit}"


def run(*words: str) -> tuple[int, str]:
    """The exit code and what was written."""
    out = io.StringIO()
    try:
        call_command("policy", *words, stdout=out)
    except SystemExit as ended:
        return int(ended.code or 0), out.getvalue()
    return 0, out.getvalue()


def run_json(*words: str) -> tuple[int, dict[str, Any]]:
    code, text = run(*words, "--json")
    plain = json.loads(text)
    assert plain["exit_code"] == code
    return code, plain


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The shipped bundles as files."""
    for name in BUNDLE_NAMES:
        (tmp_path / f"{name}.yaml").write_text(shipped_text(name), encoding="utf-8")
    return tmp_path


def changed(folder: Path, old: str, new: str, name: str = "approval-limits") -> Path:
    path = folder / f"{name}.yaml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    target = folder / "changed.yaml"
    target.write_text(text.replace(old, new, 1), encoding="utf-8")
    return target


# -- files, without a database


def test_check_passes_the_shipped_bundles(folder: Path) -> None:
    code, plain = run_json("check", str(folder), "--strict")
    assert code == 0
    assert len(plain["bundles"]) == len(BUNDLE_NAMES)
    assert all(each["severity"] == "note" for each in plain["findings"])
    assert run_json("check", "shipped")[1]["digest"] == plain["digest"]


def test_check_points_at_the_place_of_a_slip(folder: Path) -> None:
    path = changed(folder, "estimate.commitment_tail_usd > params", "estimate.comitment_tail_usd > params")
    code, plain = run_json("check", str(path))
    assert code == 1
    [error] = plain["errors"]
    assert error["suggestion"] == "estimate.commitment_tail_usd"
    assert "AL-6" in error["source"]
    code, text = run("check", str(path))
    assert code == 1
    assert "did you mean" in text


def test_check_finds_a_rule_that_can_never_fire(folder: Path) -> None:
    path = changed(folder, "when: budget.headroom_after_usd < 0", "when: budget.used_ratio < 0.0")
    code, plain = run_json("check", str(path))
    assert code == 1
    assert any(each["code"] == "rule_never_fires" and each["rules"] == ["AL-8.overdrawn"] for each in plain["findings"])


def test_a_warning_counts_only_when_asked(folder: Path) -> None:
    path = changed(
        folder,
        "params:\n",
        "params:\n  idle_usd: {type: double, values: [{value: 1.0, from: 2024-01-01, source: own}]}\n",
    )
    assert run("check", str(path))[0] == 0
    assert run("check", str(path), "--strict")[0] == 1


def test_test_runs_the_cases_and_fails_on_a_red_one(folder: Path) -> None:
    code, plain = run_json("test", str(folder))
    assert code == 0
    assert all(each["cases"] > 0 and not each["failures"] and not each["missing"] for each in plain["bundles"])
    code, plain = run_json("test", str(changed(folder, "headroom_after_usd < 0", "headroom_after_usd <= 0")))
    assert code == 1
    assert any("to the last cent" in failure for failure in plain["bundles"][0]["failures"])


def test_a_red_case_is_said_in_words_with_the_values_of_its_ask(folder: Path) -> None:
    path = changed(folder, LIMIT, LIMIT.replace("25000.0", "30000.0"))
    code, text = run("test", str(path))
    assert code == 1
    lines = [line for line in text.splitlines() if ", where " in line]
    assert lines
    assert "2 × exec" in text or "1 × budget owner" in text
    assert " must agree, expected " in text
    assert f"the assessed amount is 25,000.01{NBSP}USD" in text
    for sign in ("{", "}", "'}", "True", "None", "request.exposure_usd"):
        assert sign not in "".join(lines), sign


def test_diff_says_nothing_of_formatting_and_shows_a_limit(folder: Path) -> None:
    path = folder / "approval-limits.yaml"
    assert run("diff", str(path), str(changed(folder, "title: Approval limits", "title:   Approval limits")))[0] == 0
    code, plain = run_json("diff", str(path), str(changed(folder, LIMIT, LIMIT.replace("25000.0", "20000.0"))))
    assert code == 1
    assert {each["rule_id"] for each in plain["differences"]} == {"AL-2", "AL-3"}
    examples = [each["example"] for each in plain["differences"]]
    assert all(example is not None for example in examples)
    assert "becomes" in run("diff", str(path), str(folder / "changed.yaml"))[1] or plain["differences"]


def test_explain_reads_rules_and_decisions(folder: Path, tmp_path: Path) -> None:
    code, plain = run_json("explain", "shipped")
    assert code == 0
    assert plain["rules"]["AL-8.overdrawn"].startswith("When the budget headroom after this request is below 0")
    facts = tmp_path / "facts.json"
    facts.write_text(json.dumps({"request.exposure_usd": 28500.0, "place.country": None}))
    code, plain = run_json("explain", "shipped", "--facts", str(facts))
    assert code == 0
    assert plain["decision"]["outcome"] == "review"
    assert plain["nearest"]["outcome"] == "allow"
    facts.write_text(json.dumps({"request.exposure": 28500.0}))
    code, plain = run_json("explain", "shipped", "--facts", str(facts))
    assert code == 1
    assert plain["errors"][0]["suggestion"] == "request.exposure_usd"


@pytest.mark.parametrize("place", ["nowhere.yaml", "."])
def test_a_place_without_bundles_is_said_so(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    code, plain = run_json("check", place)
    assert code == 2
    assert plain["errors"][0]["code"] == "no_source"


def test_a_huge_file_is_refused_for_its_size(tmp_path: Path) -> None:
    path = tmp_path / "huge.yaml"
    path.write_bytes(b"a" * 3_000_000)
    code, plain = run_json("check", str(path))
    assert code == 1
    assert plain["errors"][0]["code"] == "policy_limit_exceeded"


# -- the database


def test_what_is_in_force_is_checked_and_exported_byte_for_byte(cast: Cast, tmp_path: Path) -> None:
    assert run_json("check")[1]["findings"][0]["code"] == "stage_unfillable"
    for name in ("kim", "lee", "max"):
        add_person(name, team=cast.root, roles=["exec"], scope=cast.root)
    code, out = run("check")
    assert code == 0, out
    assert run("test", "latest")[0] == 0
    code, plain = run_json("export", str(tmp_path / "out"))
    assert code == 0
    assert len(plain["exported"]) == len(BUNDLE_NAMES)
    for name in BUNDLE_NAMES:
        assert (tmp_path / "out" / f"{name}.yaml").read_text(encoding="utf-8") == shipped_text(name)
    assert run("diff", "active", str(tmp_path / "out"))[0] == 0


def test_check_finds_stages_that_nobody_could_fill_unless_an_exception_lets_them_stand(cast: Cast) -> None:
    RoleAssignment.objects.filter(role__slug__in=("sustainability_lead", "finance", "exec")).update(valid_to=NOW)
    code, plain = run_json("check", "shipped")
    assert code == 1
    found = {(each["rules"][0], each["subject"]) for each in plain["findings"] if each["code"] == "stage_unfillable"}
    assert ("SU-1.footprint", "sustainability_lead") in found
    version = PolicyVersion.objects.get(policy_set__slug="sustainability", state="active")
    for until, is_excused in ((timezone.now().date(), True), (NOW.date() - timedelta(days=400), False)):
        PolicyFindingNote.objects.create(
            version=version, finding="stage_unfillable: SU-1.footprint, sustainability_lead", until=until,
            explanation="Ines takes the role over on Monday", written_by=cast.grace, written_at=timezone.now(),
        )  # fmt: skip
        codes = [each["code"] for each in run_json("check", "sustainability@1")[1]["findings"]]
        assert ("stage_unfillable" not in codes) is is_excused


def test_the_words_that_ship_are_those_of_the_catalogue(db: None) -> None:
    file = Path(str(resources.files("governance.policy") / "words.json"))
    assert run("words", "--shipped")[1].strip() == file.read_text(encoding="utf-8").strip()
    assert json.loads(file.read_text(encoding="utf-8"))["country"]["words"] == sorted(COUNTRIES)


def test_words_lists_what_this_installation_knows(cast: Cast) -> None:
    code, plain = run_json("words")
    assert code == 0
    assert cast.team.slug in plain["words"]["team"]["words"]
    assert plain["words"]["provider"]["aliases"]["gcp"] == "google-cloud"
    assert "finance" in run("words")[1]


def test_import_stores_drafts_once_and_nothing_when_one_is_bad(cast: Cast, folder: Path) -> None:
    good = changed(folder, LIMIT, LIMIT.replace("25000.0", "20000.0"))
    bad = folder / "bad.yaml"
    bad.write_text("apiVersion: nothing")
    before = PolicyVersion.objects.count()
    assert run("import", str(good), str(bad), "--actor", cast.grace.email)[0] == 1
    assert PolicyVersion.objects.count() == before
    code, plain = run_json("import", str(good), "--actor", cast.grace.email)
    assert (code, plain["imported"]) == (0, [{"set": "approval-limits", "number": 2, "state": "draft"}])
    assert run_json("import", str(good), "--actor", cast.grace.email)[1]["imported"] == plain["imported"]
    assert PolicyVersion.objects.count() == before + 1
    assert AuditEvent.objects.filter(action="policy.imported", actor=cast.grace).count() == 1
    assert run("import", str(good), "--actor", "nobody@example.com")[0] == 2


def test_a_stored_version_is_compared_by_name(cast: Cast, folder: Path) -> None:
    good = changed(folder, LIMIT, LIMIT.replace("25000.0", "20000.0"))
    run("import", str(good), "--actor", cast.grace.email)
    code, plain = run_json("diff", "approval-limits@1", "approval-limits@2")
    assert code == 1
    assert {each["rule_id"] for each in plain["differences"]} == {"AL-2", "AL-3"}
    assert run("diff", "approval-limits@1", "approval-limits@7")[0] == 2


def test_the_command_asks_and_never_answers(cast: Cast, folder: Path) -> None:
    name, line = "sustainability", "value: 250000.0"
    run("import", str(changed(folder, line, "value: 251000.0", name)), "--actor", cast.grace.email)
    judy = add_person("judy", team=cast.root, roles=["policy_officer"], scope=cast.root)
    code, plain = run_json("activate", "sustainability@2", "--actor", cast.grace.email)
    assert (code, plain["missing"]) == (1, ["no backtest of it has been run"])
    version = PolicyVersion.objects.get(policy_set__slug="sustainability", number=2)
    assert version.state == "tested"
    seen_backtest(version, by=cast.grace, now=NOW)
    assert run_json("activate", "sustainability@2", "--actor", cast.grace.email)[1]["activation"] == "asked"
    # Neither the same officer nor another one answers by a command: it proves no second person.
    for email in (cast.grace.email, judy.email):
        assert run("activate", "sustainability@2", "--actor", email)[0] == 2
    with pytest.raises(CommandError, match="--second"):
        run("activate", "sustainability@2", "--actor", cast.grace.email, "--second", judy.email)
    version.refresh_from_db()
    assert (version.state, version.activations.get().state) == ("tested", "asked")
    event = AuditEvent.objects.get(action="policy.activation_asked")
    assert (event.channel, event.origin.endswith(": policy")) == ("command", True)


def test_nobody_acts_as_the_system_or_a_program_by_a_command(cast: Cast, folder: Path) -> None:
    path = str(changed(folder, "value: 250000.0", "value: 251000.0", "sustainability"))
    program = people.add_service_account(
        actor=system_actor(), person=cast.grace.person, email="svc@example.com", now=NOW
    )
    for email in (system_actor().email, program.email):
        assert run("import", path, "--actor", email)[0] == 2
    assert not PolicyVersion.objects.filter(number=2).exists()


def _submit(cast: Cast) -> None:
    draft = drafts.create_draft(actor=cast.alice, content=content(), now=NOW)
    submission.submit_request(request_id=draft.pk, actor=cast.alice, now=NOW)


def test_replay_finds_the_rules_of_the_day_even_after_they_changed(cast: Cast, folder: Path) -> None:
    _submit(cast)
    code, plain = run_json("replay")
    assert (code, plain["differences"], plain["unknown_rules"]) == (0, [], 0)
    assert plain["replayed"] >= 1
    run("import", str(changed(folder, LIMIT, LIMIT.replace("25000.0", "20000.0"))), "--actor", cast.grace.email)
    put_in_force(PolicyVersion.objects.get(number=2), actor=cast.grace, now=NOW)
    code, plain = run_json("replay")
    assert (code, plain["differences"], plain["unknown_rules"]) == (0, [], 0)


def test_backtest_counts_what_would_have_come_out(cast: Cast, folder: Path) -> None:
    _submit(cast)
    code, plain = run_json("backtest")
    assert (code, plain["total"], plain["flipped"]) == (0, 1, 0)
    strict = changed(
        folder,
        "effect: {deny: {code: acceptable_use_not_accepted",
        "effect: {deny: {code: acceptable_use_not_accepted",
        "acceptable-use",
    )
    strict.write_text(strict.read_text().replace('when: "!people.aup_current"', 'when: "people.aup_current"'))
    code, plain = run_json("backtest", str(strict))
    assert (code, plain["flipped"]) == (0, 1)
    assert [each for each in plain["matrix"] if each["count"]] == [{"old": "allow", "new": "deny", "count": 1}]


def test_the_decision_log_is_one_entry_a_line_chained_and_masked(cast: Cast) -> None:
    for _ in range(2):
        _submit(cast)
    code, text = run("log")
    entries = [json.loads(line) for line in text.splitlines()]
    assert (code, len(entries)) == (0, 2)
    chain = ChainReader()
    assert [chain.problem_of(entry) for entry in entries] == ["", ""]
    assert all(
        entry["masked"] and entry["input"][entry["masked"][0].removeprefix("/input/")] == MASK for entry in entries
    )
    assert run("log", "--since", "2100-01-01") == (0, "")
    assert len(run("log", "--limit", "1")[1].splitlines()) == 1


def _exported(path: Path) -> list[dict[str, Any]]:
    path.write_text(run("log")[1], encoding="utf-8")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _write(path: Path, entries: list[Any]) -> str:
    path.write_text("".join(json.dumps(each, ensure_ascii=False) + "\n" for each in entries), encoding="utf-8")
    return str(path)


def _forged(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same entries with a chain that holds: without a key, anybody can make one."""
    previous = ""
    for entry in entries:
        entry["prev_hash"] = previous
        previous = entry["entry_hash"] = hash_of({key: each for key, each in entry.items() if key != "entry_hash"})
    return entries


def test_the_stored_decisions_and_the_audit_log_are_proven(cast: Cast) -> None:
    for _ in range(3):
        _submit(cast)
    code, plain = run_json("log", "--verify")
    assert (code, plain["verified"], plain["problems"]) == (0, 3, [])
    count = AuditEvent.objects.count()
    assert run("log", "--verify") == (
        0,
        f"3 stored decisions and the audit log: all of it holds.\nEvents by channel: command {count}.\n",
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"outcome": "deny"}, "it is stored as deny, and the audit log says allow"),
        ({"policy_digest": "0" * 64}, "other rules than those that it is stored under"),
        ({"facts": {"request.exposure_usd": 1.0}}, "its facts are not those that were judged"),
        ({"facts": []}, "its facts are not those that were judged"),
        ({"decision": {}}, "the audit log says that other rules fired"),
        ({"decision": []}, "its decision says None"),
        ({"revision.digest": "0" * 64}, "the audit log says that something else was asked for"),
        ({"revision.number": 9}, "the audit log has no submission of it"),
    ],
)
def test_a_stored_decision_that_was_rewritten_is_named(cast: Cast, change: dict[str, Any], words: str) -> None:
    _submit(cast)
    row = Assessment.objects.get()
    for name, value in change.items():
        place, _, last = name.rpartition(".")
        setattr(getattr(row, place) if place else row, last, value)
    proof = Proof()
    with mock.patch.object(log_proofs.Assessment, "objects") as rows:
        rows.select_related.return_value.defer.return_value.order_by.return_value.iterator.return_value = iter([row])
        log_proofs.prove_stored(proof)
    assert any(words in problem for problem in proof.problems), proof.problems
    assert all(problem.startswith(f"decision {row.pk}: ") for problem in proof.problems)


def test_a_broken_audit_log_fails_the_proof(cast: Cast) -> None:
    _submit(cast)
    AuditHead.objects.update(seq=1)
    code, plain = run_json("log", "--verify")
    assert code == 1
    assert "head says 1" in plain["problems"][0]


def test_an_exported_log_is_proven_and_each_way_to_forge_it_is_found(cast: Cast, tmp_path: Path) -> None:
    for _ in range(4):
        _submit(cast)
    path = tmp_path / "log.jsonl"
    whole = _exported(path)
    assert run("log", "--verify", str(path)) == (0, "4 entries: all of it holds.\n")

    def problems(entries: list[Any]) -> list[str]:
        code, plain = run_json("log", "--verify", _write(path, entries))
        assert code == (1 if plain["problems"] else 0)
        return list(plain["problems"])

    def changed(place: int, **values: Any) -> list[dict[str, Any]]:
        entries = [dict(entry) for entry in whole]
        entries[place] |= values
        return entries

    # A part from either end is still a log.
    assert problems(whole[1:]) == problems(whole[:3]) == []
    pk = whole[2]["decision_id"]
    assert problems(changed(2, requested_by="9"))[0] == "entry 3: it was changed after it was written"
    assert "entry 3: it does not follow" in problems([*whole[:2], whole[3]])[0]
    assert f"decision {pk} lies between" in problems([*whole[:2], whole[3]])[1]
    assert "entry 2: it does not follow" in problems([whole[0], whole[2], whole[1], whole[3]])[0]
    # Whole chains, made anew over what was changed, are found by what is stored.
    flipped = {**whole[2]["result"], "decision": "deny"}
    assert problems(_forged(changed(2, result=flipped))) == [f"entry 3: decision {pk} is stored with another result"]
    assert problems(_forged(changed(2, requested_by="9"))) == [
        f"entry 3: decision {pk} is stored with another requester"
    ]
    assert problems(_forged([dict(each) for each in (*whole[:2], whole[3])])) == [
        f"decision {pk} lies between the first and the last entry and is not in the log"
    ]
    assert "is in the log twice" in " ".join(problems(_forged([dict(each) for each in (*whole, whole[1])])))
    assert "decision 999999 is not stored" in " ".join(problems(_forged(changed(2, decision_id="999999"))))


@pytest.mark.parametrize("line", ["{", "[]", "null", "7", '"x"', "{}", "[" * 100_000, '{"decision_id": 7}', "NaN",
                                  '{"decision_id": "٣"}', '{"decision_id": "' + "9" * 400 + '"}'])  # fmt: skip
def test_a_line_that_is_no_entry_is_a_problem_and_no_crash(cast: Cast, tmp_path: Path, line: str) -> None:
    _submit(cast)
    path = tmp_path / "log.jsonl"
    path.write_text(run("log")[1] + line + "\n", encoding="utf-8")
    code, plain = run_json("log", "--verify", str(path))
    assert (code, plain["verified"]) == (1, 2)
    assert plain["problems"][0].startswith("entry 2: ")


def test_a_log_that_cannot_be_read_is_no_proof(cast: Cast, tmp_path: Path) -> None:
    _submit(cast)
    empty, binary, long = tmp_path / "empty", tmp_path / "binary", tmp_path / "long"
    empty.write_text("\n\n")
    binary.write_bytes(b"\xff\xfe\x00")
    long.write_text("x" * 1_000_001)
    for place in (str(empty), str(binary), str(long), str(tmp_path), "nowhere"):
        code, plain = run_json("log", "--verify", place)
        assert (code, plain["errors"][0]["code"]) == (2, "no_source"), place
    # A proof of a part would read as a proof of all.
    assert run("log", "--verify", "--limit", "1")[0] == 2
    assert run("log", "--verify", "--since", "2026-01-01")[0] == 2


def test_a_long_list_of_problems_is_cut_and_counted(cast: Cast, tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text("{}\n" * 300)
    code, plain = run_json("log", "--verify", str(path))
    assert (code, plain["verified"], len(plain["problems"])) == (1, 300, 100)
    assert plain["problem_count"] > 300
    assert "more" in run("log", "--verify", str(path))[1]


def test_backtest_counts_what_the_page_of_a_backtest_counts(cast: Cast) -> None:
    _submit(cast)
    request = submission.create_and_submit(actor=cast.alice, content=content(purpose="malware"), now=NOW)
    decision = Assessment.objects.get(revision__provisioning_request=request).decision
    PolicyException.objects.create(
        rule_id=next(each["rule_id"] for each in decision["fired"] if each["effect"] == "deny"), team=cast.root,
        reason="agreed", state="approved", approved_by=cast.grace, valid_from=NOW, valid_to=NOW + timedelta(days=1),
    )  # fmt: skip
    later = timezone.now()
    version = PolicyVersion.objects.get(policy_set__slug="approval-limits", state="active")
    backtest = backtests.request_backtest(version_id=version.pk, actor=cast.grace, now=later)
    backtests.run_due(clock=lambda: later)
    backtest.refresh_from_db()
    _, plain = run_json("backtest")
    counts = {f"{each['old']}>{each['new']}": each["count"] for each in plain["matrix"] if each["count"]}
    assert counts == {pair: each["count"] for pair, each in backtest.result["pairs"].items()}
    assert plain["flipped"] == backtest.result["flipped"] == 1
