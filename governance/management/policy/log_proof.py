"""`manage.py policy log --verify`: whether decisions are what was decided, in the database and in a file of them."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import datetime
from typing import IO, Any

from governance.display import numbers
from governance.management.policy.sources import NoSource
from governance.management.policy.words import FINE, FOUND, Report
from governance.selectors.record import log_proofs
from governance.selectors.record.log_proofs import Proof
from governance.services.record import audit

STORED = ""
"""`--verify` without a file."""
LINE_CHARS_MAX = 1_000_000


def verify(file: str, *, since: datetime | None, limit: int | None) -> Report:
    """Prove the stored decisions and the audit log, or an exported log.

    Args:
        file: its name, `-` for standard input, `STORED` for the database.
        since, limit: of an export; a proof of a part would prove nothing of the rest.

    Raises:
        NoSource: the file cannot be read, holds nothing, or only a part was asked for.
    """
    if since is not None or limit is not None:
        raise NoSource("`--verify` proves the whole log: leave `--since` and `--limit` away")
    proof, channels = Proof(), {}
    if file == STORED:
        log_proofs.prove_stored(proof)
        subject = f"{numbers.count(proof.count)} stored decisions and the audit log"
        for problem in audit.verify():
            proof.add(f"audit log: {problem}")
        channels = {"events_by_channel": log_proofs.channels()}
    else:
        log_proofs.prove_export(_entries(file), proof)
        if not proof.count:
            raise NoSource(f"`{file}` holds no entry")
        subject = f"{numbers.count(proof.count)} entries"
    lines = list(proof.problems)
    if proof.problem_count > len(lines):
        lines.append(f"… and {numbers.count(proof.problem_count - len(lines))} more")
    lines.append(
        f"{subject}: {f'{numbers.count(proof.problem_count)} problems' if proof.problem_count else 'all of it holds'}."
    )
    if channels:
        lines.append(f"Events by channel: {_counts(channels['events_by_channel'])}.")
    plain = {
        "verified": proof.count,
        "problems": proof.problems,
        "problem_count": proof.problem_count,
        **channels,
        "errors": [],
    }
    return Report(FOUND if proof.problem_count else FINE, lines, plain)


def _counts(by_channel: dict[str, int]) -> str:
    named = sorted(by_channel.items(), key=lambda each: -each[1])
    return ", ".join(f"{channel or 'not kept'} {numbers.count(count)}" for channel, count in named) or "none"


def _entries(file: str) -> Iterator[Any]:
    """Line by line: a log may be longer than memory. A line that is no JSON is None, which is no entry."""
    try:
        with nullcontext(sys.stdin) if file == "-" else open(file, encoding="utf-8") as lines:
            while line := _line(lines):
                if line.strip():
                    yield _parsed(line)
    except (OSError, UnicodeDecodeError) as error:
        raise NoSource(f"`{file}` cannot be read: {error}") from error


def _line(lines: IO[str]) -> str:
    """The next line, of which no more is read than an entry may have."""
    line = lines.readline(LINE_CHARS_MAX)
    if len(line) == LINE_CHARS_MAX and not line.endswith("\n"):
        raise OSError(f"a line is longer than {numbers.count(LINE_CHARS_MAX)} characters")
    return line


def _parsed(line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None
