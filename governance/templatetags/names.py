"""`{% load names %}`: `provider_name`, `accelerator_name`, `rule_title`, and the `answers` of a request."""

from __future__ import annotations

from django import template

from governance.display import answers, names

register = template.Library()
register.filter("provider_name", names.provider_name)
register.filter("accelerator_name", names.accelerator_name)
register.filter("rule_title", names.rule_title)
register.filter("answers", answers.listed)
