"""One person's story in the Dagster UI (L5): a job to be launched with a person and a moment."""

import dagster as dg
from pydantic import Field

from orchestration.explain.markdown import as_markdown
from orchestration.explain.moments import parse_moment
from orchestration.explain.tell import explain
from orchestration.settings import Settings
from orchestration.warehouse import Warehouse
from orchestration.writeback.mapping import load_mapping


class Asked(dg.Config):
    """Whose story, and as of when."""

    person: str = Field(
        description="An email address, the id of a Contact or Lead, or an enrollment's id."
    )
    as_of: str = Field(
        default="",
        description="A past moment in UTC, 2026-11-20T12:00, or a date for its end. Empty: now.",
    )


@dg.op(out=dg.Out(dg.Nothing))
def tell_story(
    context: dg.OpExecutionContext, config: Asked, settings: dg.ResourceParam[Settings]
) -> None:
    """Read the story from the published copy; it is in the step's metadata, under `story`.

    Dagster keeps what is told as long as it keeps the run.
    """
    moment = parse_moment(config.as_of) if config.as_of else None
    with Warehouse(settings.published).connect(read_only=True) as connection:
        story = explain(connection, load_mapping(settings.mapping), config.person, moment)
    context.add_output_metadata(
        {
            "story": dg.MetadataValue.md(as_markdown(story)),
            "person": story.person.crm_id or config.person,
            "statuses": {
                each.sequence_name or each.enrollment_id: each.status_word
                for each in story.enrollments
            },
            "entries": len(story.timeline),
        }
    )


@dg.job(
    name="explain",
    description="L5: why Salesforce says what it says of one person. Launch it with the person's "
    "address or record id; the answer is the output's metadata `story`.",
)
def explain_job() -> None:
    """Tell one person's story."""
    tell_story()
