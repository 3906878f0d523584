"""Frozen facts of past decisions as compressed columns, a month in one or more chunks: what backtests read."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class FactChunk(models.Model):
    """Up to some hundred thousand decisions of one month, in order of their assessments' ids.

    A copy: it can be dropped at any time and is made again from the assessments, byte for byte. `rows` and `id_sum`
    tell whether it still holds all of them.
    """

    month = models.DateField()
    number = models.PositiveIntegerField(help_text="Place among the chunks of the month, from 0.")
    rows = models.PositiveIntegerField()
    id_sum = models.BigIntegerField(help_text="Sum of the assessments' ids.")
    last_id = models.BigIntegerField(help_text="The largest id; none of a later chunk is smaller.")
    digest = models.CharField(max_length=64, help_text="SHA-256 of ids, outcomes and digests of the facts.")
    packed_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["month", "number"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["month", "number"], name="fact_chunk_once")]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m} part {self.number}"


class FactChunkColumn(models.Model):
    """One fact of a chunk, so that a backtest reads the facts that its rules look at and no others."""

    chunk = models.ForeignKey(FactChunk, models.CASCADE, related_name="columns")
    name = models.CharField(max_length=60)
    data = models.BinaryField()

    class Meta:
        ordering: ClassVar = ["chunk", "name"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["chunk", "name"], name="fact_chunk_column_once")]

    def __str__(self) -> str:
        return f"{self.name} of {self.chunk_id}"
