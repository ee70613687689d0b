"""The SQL that holds back what Salesforce refused for good, until something changes (K5)."""

from collections.abc import Sequence

from orchestration.writeback.comparison import Cell, quoted

#: `$object` and `$plan_id` are bound; the rest comes from the mapping.
_BLOCK = """
with

failed as (

    select
        attempt_id, record_id, sent_at, error_code, error_message, error_fields, new_values
    from writeback.ledger
    where object = $object and outcome = 'failed' and not is_transient

),

wanted as (

    select record_id, field, new_value, count(*) over (partition by record_id) as cells
    from writeback.changes
    where
        plan_id = $plan_id
        and object = $object
        and decision = 'write'
        and record_id in (select record_id from failed)

),

refused as (

    select *, unnest(json_keys(new_values)) as field
    from failed
    where record_id in (select record_id from wanted)

),

last_refused as (

    select * from refused
    qualify row_number() over (partition by record_id, field order by attempt_id desc) = 1

),

same_value as (

    select last_refused.*, wanted.cells
    from last_refused
    inner join wanted
        on
            wanted.record_id = last_refused.record_id
            and wanted.field = last_refused.field
            and wanted.new_value is not distinct from
                json_extract_string(last_refused.new_values, '$.' || last_refused.field)

),

written as (

    select
        attempt_id, record_id, unnest(json_keys(new_values)) as field,
        json_extract_string(new_values, '$.' || unnest(json_keys(new_values))) as value
    from writeback.ledger
    where
        object = $object
        and outcome = 'written'
        and record_id in (select record_id from same_value)

),

-- The record as it was when it was refused, and as it is.
both_versions as (

    select
        attempts.attempt_id, attempts.record_id,
        arg_max(versions.payload, versions.load_id)
            filter (where versions.loaded_at <= attempts.sent_at) as refused_payload,
        arg_max(versions.payload, versions.load_id) as payload
    from (select distinct attempt_id, record_id, sent_at from same_value) as attempts
    inner join {versions} as versions on versions.record_id = attempts.record_id
    group by attempts.attempt_id, attempts.record_id

),

mapped_values as (

    select
        attempt_id, record_id, unnest([{fields}]) as field,
        unnest([{were_read}]) as was_read, unnest([{refused_values}]) as refused_value,
        unnest([{values}]) as value
    from both_versions

),

-- Our own writes of other fields make new versions, too: they are no reason to try again.
edited as (

    select distinct attempt_id
    from mapped_values
    where
        was_read
        and refused_value is distinct from value
        and not exists (
            select 1 from written
            where
                written.record_id = mapped_values.record_id
                and written.attempt_id > mapped_values.attempt_id
                and written.field = mapped_values.field
                and written.value is not distinct from mapped_values.value
        )

),

standing as (

    select * from same_value
    where
        attempt_id not in (select attempt_id from edited)
        and not exists (
            select 1 from raw.salesforce_describes as describes
            where describes.object = $object and describes.loaded_at > same_value.sent_at
        )
        and not exists (
            select 1 from written
            where
                written.record_id = same_value.record_id
                and written.attempt_id > same_value.attempt_id
                and written.field = same_value.field
        )

),

same_again as (

    select
        record_id, field, error_code, error_message,
        -- Salesforce names the fields it objects to, or none: then it objects to the record.
        coalesce(list_has_any(error_fields, json_keys(new_values)), false) as names_fields,
        coalesce(list_contains(error_fields, field), false) as is_named,
        count(*) over (partition by record_id) = cells as is_whole_record
    from standing

)

update writeback.changes as changes
set
    decision = 'blocked',
    reason = 'Salesforce refused this value before: ' || same_again.error_code || ', '
        || same_again.error_message
        || '. Tried again once the value, a mapped field of the record, or the metadata changes'
from same_again
where
    changes.plan_id = $plan_id
    and changes.object = $object
    and changes.record_id = same_again.record_id
    and changes.field = same_again.field
    and changes.decision = 'write'
    and (same_again.is_named or (not same_again.names_fields and same_again.is_whole_record))
"""


def block_refused(versions: str, cells: Sequence[Cell]) -> str:
    """Return the statement that turns such cells of one object's plan from `write` to `blocked`.

    `versions`: the raw table with the object's record versions. `cells`: all mapped fields.
    """
    paths = [quoted(f"$.{cell.target.mapping.field}") for cell in cells]

    def texts(payload: str) -> str:
        return ", ".join(
            cell.as_text(cell.old_key(f"json_extract_string({payload}, {path})"))
            for cell, path in zip(cells, paths, strict=True)
        )

    return _BLOCK.format(
        versions=versions,
        fields=", ".join(quoted(cell.target.mapping.field) for cell in cells),
        # A field that came to the mapping later was not read before: nobody changed it.
        were_read=", ".join(f"json_exists(refused_payload, {path})" for path in paths),
        refused_values=texts("refused_payload"),
        values=texts("payload"),
    )
