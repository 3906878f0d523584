"""One connection to the mail relay, and what its answers mean for the mail that was tried."""

from __future__ import annotations

import contextlib
import smtplib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import Any, Self

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.message import BadHeaderError

REASON_CHARS_MAX = 300
MAIL_TIMEOUTS_MAX = 3
"""One mail takes at most so many times `EMAIL_TIMEOUT`, whatever the relay does between: well within its lease."""
TEXT_IS_WANTED = 354


class Result(StrEnum):
    """What became of one try."""

    SENT = "sent"
    RETRY = "retry"
    """Not taken; a later try may succeed."""
    UNCONFIRMED = "unconfirmed"
    """The text was handed over and no answer came: it may have arrived."""
    REFUSED = "refused"
    """The relay will never take it, or it cannot be sent at all."""
    UNREACHABLE = "unreachable"
    """There is no relay to talk to: nothing was tried, and the mail is not to blame."""


@dataclass(frozen=True, slots=True)
class Answer:
    result: Result
    reason: str = ""


class Line:
    """Opened when the first mail needs it, opened anew after it broke, closed at the end of the batch."""

    def __init__(self) -> None:
        self._connection: Any = None
        self._handed_over = False
        self._deadline = 0.0
        self.break_count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._say_goodbye()

    def send(self, message: EmailMessage) -> Answer:
        """Try one mail once."""
        self._handed_over = False
        self._deadline = time.monotonic() + MAIL_TIMEOUTS_MAX * settings.EMAIL_TIMEOUT
        if self._connection is None:
            refusal = self._open()
            if refusal is not None:
                return refusal
        try:
            if self._connection.send_messages([message]) == 0:
                return Answer(Result.REFUSED, "there is no address to send it to")
        except (BadHeaderError, ValueError, UnicodeError) as error:
            # Made before a word went over the line: the line is as good as before.
            return Answer(Result.REFUSED, _reason(error))
        except smtplib.SMTPRecipientsRefused as error:
            code, text = _worst(error)
            self._break_if_closing(code)
            return _by_code(code, text)
        except smtplib.SMTPSenderRefused as error:
            # The relay does not want our own address: somebody's settings, not this mail.
            self._break_if_closing(error.smtp_code)
            return Answer(Result.RETRY, _reason(error))
        except smtplib.SMTPResponseException as error:
            self._break_if_closing(error.smtp_code)
            return _by_code(error.smtp_code, error.smtp_error)
        except (smtplib.SMTPException, OSError) as error:
            self._break()
            return Answer(Result.UNCONFIRMED if self._handed_over else Result.RETRY, _reason(error))
        return Answer(Result.SENT)

    def _open(self) -> Answer | None:
        connection = get_connection()
        try:
            connection.open()
        except (smtplib.SMTPException, OSError) as error:
            return Answer(Result.UNREACHABLE, _reason(error))
        smtp = getattr(connection, "connection", None)
        if isinstance(smtp, smtplib.SMTP):
            self._watch(smtp)
        self._connection = connection
        if time.monotonic() >= self._deadline:
            self._break()
            return Answer(Result.UNREACHABLE, "the relay took too long to say hello")
        return None

    def _watch(self, smtp: smtplib.SMTP) -> None:
        """Note when the relay lets a mail's text come: an error after that may mean that it arrived.

        Until then each answer has `EMAIL_TIMEOUT`. The answer to the text has what is left of the mail's time: a relay
        that reads what it takes is slow there, and a second copy would be no help.
        """
        read_answer = smtp.getreply

        def timed() -> tuple[int, bytes]:
            left = self._deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError("the relay took too long over one mail")
            if smtp.sock is not None:
                smtp.sock.settimeout(left if self._handed_over else min(left, settings.EMAIL_TIMEOUT))
            code, text = read_answer()
            self._handed_over = self._handed_over or code == TEXT_IS_WANTED
            return code, text

        smtp.getreply = timed  # type: ignore[method-assign]

    def _break_if_closing(self, code: int) -> None:
        # 421: the relay hangs up after this answer.
        if code == 421:
            self._break()

    def _break(self) -> None:
        """Drop a line that no longer works; a polite goodbye would only wait for the answer that never comes."""
        self.break_count += 1
        connection, self._connection = self._connection, None
        smtp = getattr(connection, "connection", None)
        if isinstance(smtp, smtplib.SMTP):
            smtp.close()

    def _say_goodbye(self) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        self._deadline = time.monotonic() + settings.EMAIL_TIMEOUT
        # What was sent is settled by its own answer; what the relay says to a goodbye changes nothing.
        with contextlib.suppress(smtplib.SMTPException, OSError):
            connection.close()


def _by_code(code: int, text: Any) -> Answer:
    reason = f"{code} {text.decode(errors='replace') if isinstance(text, bytes) else text}"[:REASON_CHARS_MAX]
    return Answer(Result.REFUSED if 500 <= code < 600 else Result.RETRY, reason)


def _worst(error: smtplib.SMTPRecipientsRefused) -> tuple[int, Any]:
    answers: Sequence[tuple[int, Any]] = list(error.recipients.values())
    return max(answers, key=lambda answer: answer[0])


def _reason(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:REASON_CHARS_MAX]
