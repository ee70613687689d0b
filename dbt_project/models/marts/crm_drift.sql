{%- set of_tracking = [
    'open_count', 'human_open_count', 'click_count', 'human_click_count', 'clicked_at',
] -%}

with

people as (

    select * from {{ ref('people') }}

),

crm_values as (

    select * from {{ ref('int_crm__mapped_values') }}

),

versions as (

    select * from {{ ref('int_crm__record_versions') }}

),

payloads as (

    select * from {{ ref('int_crm__record_payloads') }}

),

users as (

    select * from {{ ref('int_crm__users') }}

),

compared as (

    {% for metric in var('crm_fields') -%}
        select
            people.crm_object,
            people.crm_id,
            '{{ metric }}' as metric,
            crm_values.{{ metric }} as crm_value,
            crm_values.says_{{ metric }} as is_said,
            {{ crm_value('people.' ~ metric, metric) }} as recomputed_value
        from people
        inner join crm_values on people.crm_id = crm_values.crm_id
        {% if metric in of_tracking %}
            -- D9: of whoever wants no tracking nothing is computed, so nothing can drift.
            where people.open_count is not null
        {% endif %}
        {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

-- Histories are long and nearly all values agree: only what may differ has its history read.
in_question as (

    select
        crm_object,
        crm_id,
        metric,
        recomputed_value
    from compared
    where not is_said or crm_value is distinct from recomputed_value

),

versions_in_question as (

    select *
    from versions
    where crm_id in (select in_question.crm_id from in_question)

),

parsed as (

    select
        versions_in_question.crm_id,
        versions_in_question.system_modstamp_at,
        versions_in_question.load_id,
        versions_in_question.is_from_export,
        versions_in_question.last_modified_at,
        versions_in_question.last_modified_by_id,
        {{ mapped_fields('payloads.payload') }} as mapped
    from versions_in_question
    inner join payloads
        on
            versions_in_question.crm_id = payloads.crm_id
            and versions_in_question.system_modstamp_at = payloads.system_modstamp_at
            and versions_in_question.load_id = payloads.load_id

),

with_earlier as (

    select
        *,
        lag(mapped) over (
            partition by crm_id order by system_modstamp_at, load_id
        ) as earlier_mapped,
        lag(is_from_export) over (
            partition by crm_id order by system_modstamp_at, load_id
        ) as is_earlier_from_export,
        lag(last_modified_at) over (
            partition by crm_id order by system_modstamp_at, load_id
        ) as earlier_modified_at
    from parsed

),

-- Versions in which other fields changed are left out. What an export has no column for is filled
-- from the version before (A7), the stamps too: such a stamp tells nothing of this version.
changes as (

    select
        crm_id,
        is_from_export,
        mapped,
        case
            when is_from_export and last_modified_at <= earlier_modified_at then null
            else last_modified_by_id
        end as changed_by_id,
        case
            when is_from_export and last_modified_at <= earlier_modified_at
                then system_modstamp_at
            else coalesce(last_modified_at, system_modstamp_at)
        end as changed_at,
        row_number() over (
            partition by crm_id order by system_modstamp_at, load_id
        ) as version_number
    from with_earlier
    where
        is_earlier_from_export is distinct from is_from_export
        or earlier_mapped is distinct from mapped

),

cells as (

    select
        in_question.crm_object,
        in_question.crm_id,
        in_question.metric,
        in_question.recomputed_value,
        changes.version_number,
        changes.is_from_export,
        changes.changed_at,
        changes.changed_by_id,
        {{ mapped_value_by_name('changes.mapped', 'in_question.metric') }} as crm_value,
        {{ says_metric_by_name('changes.mapped', 'in_question.metric') }} as is_said
    from in_question
    inner join changes on in_question.crm_id = changes.crm_id

),

with_said_before as (

    select
        *,
        max(cast(is_said as integer)) over (
            partition by crm_id, metric
            order by version_number
            rows between unbounded preceding and 1 preceding
        ) = 1 as was_said_before
    from cells

),

-- A version without the field is no evidence about it, but for an export after one that has it:
-- since exports are filled, the field is missing there only because a cell emptied it (A7).
said as (

    select
        *,
        first_value(crm_value) over (
            partition by crm_id, metric order by version_number desc
        ) as present_value,
        lag(crm_value) over (
            partition by crm_id, metric order by version_number
        ) as previous_value
    from with_said_before
    where is_said or (is_from_export and was_said_before)

),

drifted as (

    select
        *,
        max(case when crm_value is distinct from present_value then version_number end) over (
            partition by crm_id, metric
        ) as last_other_number
    from said
    where present_value is distinct from recomputed_value

),

-- The unbroken run of versions with the present value, from its first.
present_run as (

    select
        *,
        row_number() over (
            partition by crm_id, metric order by version_number
        ) as position
    from drifted
    where last_other_number is null or version_number > last_other_number

)

select
    present_run.crm_object,
    present_run.crm_id,
    present_run.metric,
    present_run.present_value as crm_value,
    present_run.recomputed_value,
    present_run.previous_value as previous_crm_value,
    present_run.last_other_number is not null as is_change_seen,
    present_run.changed_at as crm_changed_at,
    coalesce(users.user_name, present_run.changed_by_id) as crm_changed_by
from present_run
left join users on present_run.changed_by_id = users.user_id
where present_run.position = 1
