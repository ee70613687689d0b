"""The JSON Schema of mapping files, from the models that read them: editors complete by it."""

import json
import sys
from typing import Any

from orchestration.writeback.mapping import MappingFile

#: What a field's entry says in full; over another file it may say only what differs.
_IN_FULL = ("metric", "field", "policy")


def mapping_schema() -> dict[str, Any]:
    """Return the schema; a file that extends another one may leave out what that one says."""
    schema = MappingFile.model_json_schema()
    entry, parts = schema["$defs"]["FieldEntry"], schema["$defs"]
    entry["required"] = ["field"]
    schema["required"] = ["version"]
    # What only an extended file may leave out.
    del parts["CreateMissing"]["required"]
    in_full = {"additionalProperties": {"items": {"required": list(_IN_FULL)}}}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "A mapping of Touchline",
        "if": {"not": {"required": ["extends"]}},
        "then": {
            "required": ["objects"],
            "properties": {
                "objects": in_full,
                "create_missing": {"if": {"type": "object"}, "then": {"required": ["object"]}},
            },
        },
    }


def schema_text() -> str:
    """Return the schema as it stands in docs/schemas/mapping.schema.json."""
    return json.dumps(mapping_schema(), indent=2) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema_text())
