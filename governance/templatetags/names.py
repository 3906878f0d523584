"""`{% load names %}`: `slug|provider_name`, `slug|accelerator_name` and `rule_id|rule_title`, as people know them."""

from __future__ import annotations

from django import template

from governance.display import names

register = template.Library()
register.filter("provider_name", names.provider_name)
register.filter("accelerator_name", names.accelerator_name)
register.filter("rule_title", names.rule_title)
