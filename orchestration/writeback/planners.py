"""What a planner is: one kind of record, and the cells of it that a plan would write (J2-J5)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from duckdb import DuckDBPyConnection

from orchestration.crm.schema import ObjectSchema
from orchestration.writeback.mapping_sections import Sections


@dataclass(frozen=True, slots=True)
class PlanContext:
    """What a planner may know: the plan's id and time (UTC), the org's describes, the settings.

    `notes`: what whoever reads the plan should know, added by planners, one sentence each.
    """

    plan_id: str
    created_at: datetime
    schemas: Mapping[str, ObjectSchema]
    sections: Sections
    notes: list[str] = field(default_factory=list)


#: Inserts cells into writeback.changes, every one with its decision and reason; it runs in the
#: plan's transaction, contacts nothing, and counts nothing. Planners do not share an object and
#: an operation: the updates of contacts and leads are the field planner's.
Planner = Callable[[DuckDBPyConnection, PlanContext], None]
