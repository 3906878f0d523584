"""One connection to the mail relay, and what its answers mean for the mail that was tried."""

from __future__ import annotations

import contextlib
import smtplib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import Any, Self

from django.core.mail import EmailMessage, get_connection
from django.core.mail.message import BadHeaderError

REASON_CHARS_MAX = 300


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
        self.break_count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._say_goodbye()

    def send(self, message: EmailMessage) -> Answer:
        """Try one mail once."""
        if self._connection is None:
            refusal = self._open()
            if refusal is not None:
                return refusal
        self._handed_over = False
        try:
            self._connection.send_messages([message])
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
        return None

    def _watch(self, smtp: smtplib.SMTP) -> None:
        """Note when a mail's text goes out: an error after that may mean that it arrived."""
        send_text = smtp.data

        def noted(msg: Any) -> tuple[int, bytes]:
            self._handed_over = True
            return send_text(msg)

        smtp.data = noted  # type: ignore[method-assign]

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
