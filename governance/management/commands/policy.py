"""Policies from the shell, from a git hook or in CI.

manage.py policy check|test|explain [PLACE …]     manage.py policy diff OLD NEW     manage.py policy backtest [PLACE …]
manage.py policy export FOLDER [--set NAME …]     manage.py policy import PLACE … --actor E-MAIL
manage.py policy replay [--limit N]               manage.py policy activate SET@NUMBER --actor E-MAIL
manage.py policy log [--since DAY] [--limit N]    manage.py policy log --verify [FILE]
manage.py policy words [--shipped]

Exit codes: 0 everything is in order, 1 something was found (a refusal, a failed case, a difference), 2 it could not be
done. With `--json` one JSON object is written and nothing else; without `--verify`, `log` always writes one a line.

What acts in somebody's name stores a draft or requests. Nothing here answers: whoever can start a command may name any
officer, so a second one signs in.
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from django.utils import timezone

from governance.domain.errors import GovernanceError
from governance.management.base import ChannelCommand
from governance.management.policy import activation, log_proof, sources, word_lists, words
from governance.management.policy.words import FINE, FOUND, UNUSABLE, Report
from governance.models import User
from governance.selectors.people.duties import is_system
from governance.selectors.record import decision_logs
from governance.selectors.rules import policy_sources
from governance.services.rules import policies


class Command(ChannelCommand):
    """One word, one report."""

    help = "Check, test, compare, explain, move, replay and backtest policies."

    def add_arguments(self, parser: ArgumentParser) -> None:
        subparsers = parser.add_subparsers(dest="word", required=True)

        def word(name: str, help: str) -> ArgumentParser:
            made: ArgumentParser = subparsers.add_parser(name, help=help)
            made.add_argument("--json", action="store_true", help="write one JSON object")
            return made

        for name, text in (
            ("check", "types, guards, contradictions, tables, implied rules"),
            ("test", "run the cases that the bundles carry"),
            ("explain", "rules in plain words; with --facts a decision and its reasons"),
            ("backtest", "judge every stored decision under these bundles"),
        ):
            made = word(name, text)
            made.add_argument("places", nargs="*", default=["active"], help=sources.HELP)
            if name != "test":
                made.add_argument("--on", type=date.fromisoformat, help="day whose parameters hold; today by default")
            if name == "check":
                made.add_argument("--strict", action="store_true", help="warnings count too")
            if name == "explain":
                made.add_argument("--facts", help="JSON file of facts over the plain request, or - for standard input")
        made = word("diff", "what changes from one version to another, with a request that shows it")
        made.add_argument("old", help=sources.HELP)
        made.add_argument("new", help=sources.HELP)
        made.add_argument("--on", type=date.fromisoformat)
        made = word("export", "write stored versions as files")
        made.add_argument("folder")
        made.add_argument("--set", action="append", dest="sets", help="only this set; may be repeated")
        made.add_argument("--latest", action="store_true", help="the newest versions instead of those in force")
        made = word("import", "store bundles as draft versions")
        made.add_argument("places", nargs="+", help=sources.HELP)
        made.add_argument("--actor", required=True, help="e-mail of the officer in whose name it happens")
        made = word("activate", "ask for a stored version to be put in force; a second officer answers on the desk")
        made.add_argument("version", help="SET@NUMBER")
        made.add_argument("--actor", required=True, help="e-mail of the officer in whose name it happens")
        made.add_argument("--reason", default="", help="why, for the second officer and the log")
        made.add_argument(
            "--from", dest="effective_at", type=_instant, help="from when it rules, e.g. 2026-12-01T08:00Z"
        )
        made = word("log", "stored decisions as JSON lines under Open Policy Agent's names, sensitive facts masked")
        made.add_argument("--since", type=_instant, help="only decisions from this day or instant on")
        made.add_argument("--limit", type=int, help="only the oldest so many")
        made.add_argument(
            "--verify", nargs="?", const=log_proof.STORED, metavar="FILE",
            help="prove what is stored, or with FILE (- for standard input) a log that was exported before",
        )  # fmt: skip
        made = word("words", "the closed sets that rules are checked with: roles, providers, thresholds, units, …")
        made.add_argument("--shipped", action="store_true", help="what comes with the product, as the library keeps it")
        made = word("replay", "judge stored decisions again and compare")
        made.add_argument("--limit", type=int, help="only the newest so many")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["word"] == "words" and options["shipped"]:
            # Byte for byte the file of the library: governance/policy/words.json.
            self.stdout.write(json.dumps(word_lists.words_that_ship(), ensure_ascii=False, indent=0, sort_keys=True))
            return
        if options["word"] == "log" and options["verify"] is None:
            # Line by line: an export may be longer than memory.
            for entry in decision_logs.stream(since=options["since"], limit=options["limit"]):
                self.stdout.write(json.dumps(entry, ensure_ascii=False))
            return
        try:
            report = _WORDS[options["word"]](options)
        except sources.NoSource as error:
            report = Report(UNUSABLE, [str(error)], {"errors": [{"code": "no_source", "message": str(error)}]})
        except GovernanceError as error:
            report = Report(UNUSABLE, [error.message], {"errors": [{"code": error.code, "message": error.message}]})
        if options["json"]:
            self.stdout.write(json.dumps({"exit_code": report.code, **report.plain}, ensure_ascii=False, default=str))
        else:
            for line in report.lines:
                self.stdout.write(line)
        if report.code:
            sys.exit(report.code)


def _instant(text: str) -> datetime:
    """An instant as people write it; without an offset it is UTC."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _day(options: dict[str, Any]) -> date:
    return options["on"] or timezone.now().date()


def _actor(email: str) -> User:
    """Whose name it happens in. The log names the person, the command, and who ran it on the machine."""
    user = User.objects.filter(email__iexact=email, is_active=True).first()
    if user is None:
        raise sources.NoSource(f"`{email}` is not an account")
    if is_system(user) or user.is_service_account:
        raise sources.NoSource(f"`{email}` is no person's own account: name the officer in whose name it happens")
    return user


def _export(options: dict[str, Any]) -> Report:
    """The texts as they were imported, byte for byte."""
    found = policy_sources.latest_sources(options["sets"]) if options["latest"] else policy_sources.sources_in_force()
    wanted = [each for each in found if not options["sets"] or each.slug in options["sets"]]
    missing = sorted(set(options["sets"] or ()) - {each.slug for each in wanted})
    if missing:
        raise sources.NoSource(f"no stored version of {', '.join(missing)}")
    folder = Path(options["folder"])
    folder.mkdir(parents=True, exist_ok=True)
    for each in wanted:
        (folder / f"{each.slug}.yaml").write_bytes(each.source.encode())
    plain = {"exported": [{"set": each.slug, "number": each.number, "state": each.state} for each in wanted]}
    return Report(FINE, [f"{each.name} ({each.state}) to {folder / each.slug}.yaml" for each in wanted], plain)


def _import(options: dict[str, Any]) -> Report:
    """Nothing is stored unless every bundle checks."""
    found = sources.read_sources(options["places"])
    _, errors = sources.load_all(found)
    if errors:
        lines = [str(error) for error in errors]
        return Report(FOUND, lines, {"errors": [error.to_json() for error in errors]})
    actor, now = _actor(options["actor"]), timezone.now()
    versions = [policies.import_version(source=source.text, actor=actor, now=now) for source in found]
    stored = [{"set": each.policy_set.slug, "number": each.number, "state": each.state} for each in versions]
    return Report(FINE, [f"{each['set']}@{each['number']} ({each['state']})" for each in stored], {"imported": stored})


def _activate(options: dict[str, Any]) -> Report:
    slug, _, number = options["version"].partition("@")
    found = policy_sources.source_of(slug, int(number) if number.isdigit() else 0)
    return activation.activate(
        found.id,
        actor=_actor(options["actor"]),
        reason=options["reason"],
        effective_at=options["effective_at"],
        now=timezone.now(),
    )


_WORDS: dict[str, Callable[[dict[str, Any]], Report]] = {
    "check": lambda options: words.check(options["places"], on=_day(options), strict=options["strict"]),
    "test": lambda options: words.test(options["places"]),
    "diff": lambda options: words.diff([options["old"]], [options["new"]], on=_day(options)),
    "explain": lambda options: words.explain(options["places"], facts_file=options["facts"], on=_day(options)),
    "backtest": lambda options: words.backtest(options["places"], on=_day(options), now=timezone.now()),
    "replay": lambda options: words.replay_stored(limit=options["limit"]),
    "words": lambda options: words.known_words(),
    "export": _export,
    "import": _import,
    "activate": _activate,
    "log": lambda options: log_proof.verify(options["verify"], since=options["since"], limit=options["limit"]),
}
