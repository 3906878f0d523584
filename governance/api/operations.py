"""The published schema of one call, with the scope that a token needs for it."""

from __future__ import annotations

from typing import Any

from drf_spectacular.openapi import AutoSchema

from governance.api.people.scopes import scope_of


class ScopedSchema(AutoSchema):
    """Named in `DEFAULT_SCHEMA_CLASS`."""

    def get_operation(self, *args: Any, **options: Any) -> Any:
        operation = super().get_operation(*args, **options)
        scope = scope_of(self.view, self.method)
        if operation is not None and scope is not None:
            operation["x-required-scope"] = str(scope)
            said = f"A token needs the scope `{scope}`."
            operation["description"] = f"{operation.get('description', '')}\n\n{said}".strip()
        return operation
