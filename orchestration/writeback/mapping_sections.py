"""The parts of a mapping file beside its fields: approval, limits, activities, creations."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1)]
FieldName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]
#: Of a logged mail only custom fields can be changed, and only those can be external ids.
CustomFieldName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*__c$")]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Approval(_Section):
    """Which plans wait until somebody approves them (I8).

    `required`: every plan, large ones, or none; without it the environment decides. A plan is
    large when it changes more than `changed_share` of an object's mapped records, or clears more
    than `cleared_share` of the values there, and at least `minimum_records` records.
    """

    required: Annotated[
        Literal["every", "large", "none"] | None,
        Field(description="Which plans wait; without it the environment decides."),
    ] = None
    changed_share: Annotated[
        Share, Field(description="A plan that changes more than this share of records is large.")
    ] = 0.25
    cleared_share: Annotated[
        Share, Field(description="A plan that empties more than this share of values is large.")
    ] = 0.02
    minimum_records: Annotated[
        int, Field(ge=1, description="Below so many changed records no plan is large.")
    ] = 20


class Limits(_Section):
    """What a write leaves of the org's daily calls (K3), and when it gives up.

    `failed_share`: once so many of at least 200 records were refused, the rest is not sent.
    """

    api_reserve_share: Annotated[
        Share, Field(description="The share of the org's daily API calls that is left to others.")
    ] = 0.1
    failed_share: Annotated[
        Share,
        Field(
            description="Once this share of at least 200 records was refused, the rest is not sent."
        ),
    ] = 0.5


class Activities(_Section):
    """How sequence mail and the replies to it are logged (J2, J3).

    Where the org has no Enhanced Email, `log: email_message` logs Tasks. `open_count`,
    `click_count` and `clicked_at` name custom fields of EmailMessage.
    """

    log: Annotated[
        Literal["email_message", "task", "off"],
        Field(description="As what mail is logged; email_message needs Enhanced Email."),
    ] = "off"
    key_field: Annotated[
        CustomFieldName,
        Field(description="The external id of EmailMessage and Task that keeps mail unique."),
    ] = "Touchline_Key__c"
    open_count: Annotated[
        CustomFieldName | None, Field(description="EmailMessage's field for opens; null for none.")
    ] = "Touchline_Open_Count__c"
    click_count: Annotated[
        CustomFieldName | None, Field(description="EmailMessage's field for clicks; null for none.")
    ] = "Touchline_Click_Count__c"
    clicked_at: Annotated[
        CustomFieldName | None,
        Field(description="EmailMessage's field for the first click; null for none."),
    ] = "Touchline_Clicked_At__c"

    def count_fields(self) -> tuple[str, ...]:
        """Return the fields of EmailMessage that are kept current; none where none is logged."""
        if self.log != "email_message":
            return ()
        named = (self.open_count, self.click_count, self.clicked_at)
        return tuple(name for name in named if name is not None)


class Tasks(_Section):
    """Whether follow-up tasks are opened and completed (J4), and of which kinds."""

    kinds: Annotated[
        tuple[Literal["reply", "manual_step", "audience"], ...],
        Field(description="What a task is opened for: a reply, a manual step, an audience."),
    ] = ()
    key_field: Annotated[
        CustomFieldName, Field(description="The external id of Task that keeps tasks unique.")
    ] = "Touchline_Key__c"


class CampaignMembers(_Section):
    """Whether the funnel of a sequence's campaign is filled (J5): of those that the seed ties."""

    fill: Annotated[
        bool, Field(description="Whether members are added and their status is raised.")
    ] = False


class CreateMissing(_Section):
    """Whether people without a CRM record get one (H5); `defaults` fill required fields."""

    object: Annotated[Literal["Contact", "Lead"], Field(description="What is created.")]
    defaults: Annotated[
        dict[FieldName, str | bool | float],
        Field(description="Values for fields that the org requires and no metric fills."),
    ] = {}


class Sections(_Section):
    """All of them, each with what holds where the file says nothing."""

    approval: Annotated[
        Approval, Field(description="Which plans wait until somebody approves them.")
    ] = Approval()
    limits: Annotated[
        Limits, Field(description="What is left of the day's API calls, and when to give up.")
    ] = Limits()
    activities: Annotated[
        Activities, Field(description="How sequence mail and the replies to it are logged.")
    ] = Activities()
    tasks: Annotated[
        Tasks, Field(description="Which follow-up tasks are opened and completed.")
    ] = Tasks()
    campaign_members: Annotated[
        CampaignMembers, Field(description="Whether a campaign's funnel is filled.")
    ] = CampaignMembers()
    create_missing: Annotated[
        CreateMissing | None, Field(description="Whether people without a record get one.")
    ] = None
