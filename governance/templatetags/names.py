"""`{% load names %}`: `slug|provider_name` and `slug|accelerator_name`, the names that people know."""

from __future__ import annotations

from django import template

from governance.web import names

register = template.Library()
register.filter("provider_name", names.provider_name)
register.filter("accelerator_name", names.accelerator_name)
