"""The ground that other tests stand on: isolation, real commits, real processes."""

from __future__ import annotations

import threading

import pytest
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.core.mail import send_mail
from django.db import connection
from django.utils import timezone

from config.celery import HEARTBEAT_KEY, heartbeat
from tests.plugins.processes import SmtpServer, TestProcesses, kill, wait_for

KEY = "committed"


def row_count() -> int:
    return Session.objects.filter(session_key=KEY).count()


def write_row() -> None:
    Session.objects.create(session_key=KEY, session_data="", expire_date=timezone.now())


@pytest.mark.django_db
class TestRolledBack:
    """Each of these two passes only if the other leaves nothing behind, in either order."""

    @pytest.mark.parametrize("turn", [1, 2])
    def test_rows_of_an_ordinary_test_are_gone(self, turn: int) -> None:
        assert row_count() == 0
        write_row()
        assert row_count() == 1


class TestFresh:
    """Commits are real here: another thread sees them. They are gone all the same."""

    @pytest.mark.parametrize("turn", [1, 2])
    def test_rows_that_were_committed_are_gone(self, turn: int, fresh_database: None) -> None:
        assert row_count() == 0
        write_row()
        seen: list[int] = []

        def look() -> None:
            seen.append(row_count())
            connection.close()

        other = threading.Thread(target=look)
        other.start()
        other.join()
        assert seen == [1]


@pytest.mark.django_db
def test_mail_goes_through_a_real_smtp_server(smtp_server: SmtpServer) -> None:
    send_mail("Good news", "All is well.", None, ["alice@example.com"])
    mail = smtp_server.wait_for("alice@example.com", "Good news")
    assert mail["From"] == "Comptroller <comptroller@example.com>"
    assert mail.get_content().strip() == "All is well."


def test_a_worker_takes_tasks_and_survives_the_death_of_another(processes: TestProcesses) -> None:
    first = processes.start_worker(concurrency=1)
    kill(first)
    cache.delete(HEARTBEAT_KEY)
    heartbeat.apply_async()
    assert cache.get(HEARTBEAT_KEY) is None
    processes.start_worker(concurrency=1)
    assert wait_for(lambda: cache.get(HEARTBEAT_KEY), 20, "the heartbeat")
