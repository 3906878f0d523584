"""Which look-ups a list of the desk answers: those of its own filters, and no others.

Django's admin answers every look-up on a column of the list's own table, and so tells, yes or no, what no page shows:
a hash could be read one character at a time.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from django.contrib.admin.utils import get_fields_from_path
from django.db import models


@cache
def of_filters(model: type[models.Model], filters: tuple[Any, ...]) -> frozenset[str]:
    """Names of the parameters that the filters of one list send.

    Args:
        model: whose list it is.
        filters: as `get_list_filter` gives them: a path, a path with its class, or a class of its own.
    """
    names: set[str] = set()
    for each in filters:
        if isinstance(each, type):
            names.add(str(getattr(each, "parameter_name", "")))
            continue
        path = str(each if isinstance(each, str) else each[0])
        field: Any = get_fields_from_path(model, path)[-1]
        names.add(f"{path}__isnull")
        if field.is_relation:
            names.add(f"{path}__{field.target_field.name}__exact")
        elif isinstance(field, models.DateField):
            names |= {f"{path}__gte", f"{path}__lt"}
        else:
            names |= {path, f"{path}__exact"}
    return frozenset(names)
