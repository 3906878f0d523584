"""The published schema of one call, with the scope that a token needs for it and every refusal."""

from __future__ import annotations

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent

from governance.api.fields import JSON_VALUE, JsonField
from governance.api.people.scopes import scope_of
from governance.api.schema import EVERY_CALL, REPLAYED, refusal, refusals_of
from governance.api.serializers import ProblemSerializer


class ScopedSchema(AutoSchema):
    """Named in `DEFAULT_SCHEMA_CLASS`."""

    def get_operation(self, *args: Any, **options: Any) -> Any:
        operation = super().get_operation(*args, **options)
        if operation is None:
            return None
        scope = scope_of(self.view, self.method)
        if scope is not None:
            operation["x-required-scope"] = str(scope)
            said = f"A token needs the scope `{scope}`."
            operation["description"] = f"{operation.get('description', '')}\n\n{said}".strip()
        refuses = getattr(getattr(self.view, self.method.lower()), "refuses", None)
        if refuses is not None:
            self._complete(operation, refuses)
        return operation

    def _complete(self, operation: dict[str, Any], refuses: Any) -> None:
        self.resolve_serializer(ProblemSerializer, "response")
        self.registry.register_on_missing(
            ResolvedComponent("JsonValue", ResolvedComponent.SCHEMA, JSON_VALUE, JsonField)
        )
        if any(each["in"] == "header" for each in operation.get("parameters", ())):
            for answer in operation["responses"].values():
                answer["headers"] = REPLAYED
        for status, codes in refusals_of(self.method, operation, refuses).items():
            said: dict[str, Any] = refusal(status, codes)
            if codes == EVERY_CALL.get(status):
                shared = ResolvedComponent(f"Problem{status}", ResolvedComponent.RESPONSE, said, str(status))
                self.registry.register_on_missing(shared)
                said = shared.ref
            operation["responses"][str(status)] = said
