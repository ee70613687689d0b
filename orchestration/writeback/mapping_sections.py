"""The parts of a mapping file beside its fields: approval, limits, activities, creations."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1)]
FieldName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Approval(_Section):
    """Which plans wait until somebody approves them (I8).

    `required`: every plan, large ones, or none; without it the environment decides. A plan is
    large when it changes more than `changed_share` of an object's mapped records, or clears more
    than `cleared_share` of the values there, and at least `minimum_records` records.
    """

    required: Literal["every", "large", "none"] | None = None
    changed_share: Share = 0.25
    cleared_share: Share = 0.02
    minimum_records: Annotated[int, Field(ge=1)] = 20


class Limits(_Section):
    """What a write leaves of the org's daily calls (K3), and when it gives up.

    `failed_share`: once so many of at least 200 records were refused, the rest is not sent.
    """

    api_reserve_share: Share = 0.1
    failed_share: Share = 0.5


class Activities(_Section):
    """How sequence mail and the replies to it are logged (J2, J3).

    Where the org has no Enhanced Email, `log: email_message` logs Tasks. `open_count`,
    `click_count` and `clicked_at` name custom fields of EmailMessage.
    """

    log: Literal["email_message", "task", "off"] = "off"
    key_field: FieldName = "Touchline_Key__c"
    open_count: FieldName | None = "Touchline_Open_Count__c"
    click_count: FieldName | None = "Touchline_Click_Count__c"
    clicked_at: FieldName | None = "Touchline_Clicked_At__c"

    def count_fields(self) -> tuple[str, ...]:
        """Return the fields of EmailMessage that are kept current; none where none is logged."""
        if self.log != "email_message":
            return ()
        named = (self.open_count, self.click_count, self.clicked_at)
        return tuple(name for name in named if name is not None)


class Tasks(_Section):
    """Whether follow-up tasks are opened and completed (J4), and of which kinds."""

    kinds: tuple[Literal["reply", "manual_step", "audience"], ...] = ()
    key_field: FieldName = "Touchline_Key__c"


class CampaignMembers(_Section):
    """Whether the funnel of a sequence's campaign is filled (J5): of those that the seed ties."""

    fill: bool = False


class CreateMissing(_Section):
    """Whether people without a CRM record get one (H5); `defaults` fill required fields."""

    object: Literal["Contact", "Lead"]
    defaults: dict[FieldName, str | bool | float] = {}


class Sections(_Section):
    """All of them, each with what holds where the file says nothing."""

    approval: Approval = Approval()
    limits: Limits = Limits()
    activities: Activities = Activities()
    tasks: Tasks = Tasks()
    campaign_members: CampaignMembers = CampaignMembers()
    create_missing: CreateMissing | None = None
