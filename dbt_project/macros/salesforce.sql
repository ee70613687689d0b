{#-
    A7: the versions of an object's records, from snapshots over the API and from CSV exports.

    - A version that a snapshot has seen is the snapshot's, as it is.
    - What an export has no column for is as any earlier version said last, of whatever origin.
    - An empty cell empties its field, but for another export that has a value in this version.

    Engine-specific parts are macros of their own below, so this reads like a model. It is no model
    because the seven objects share it, and staging reads only sources.
-#}
{% macro salesforce_versions(object, snapshots, exports) -%}
    with export_rows as (

        select
            load_id,
            loaded_at,
            payload,
            {{ touchline.json_record('payload', {'Id': 'varchar', 'SystemModstamp': 'varchar'}) }}
                as record
        from {{ exports }}
        where {{ touchline.json_text('envelope', '[0].object') }} = '{{ object }}'

    ),

    exported as (

        select
            record.Id as record_id,
            {{ touchline.utc_from_iso('record.SystemModstamp') }} as system_modstamp,
            payload,
            min(load_id) as load_id,
            min(loaded_at) as loaded_at
        from export_rows
        group by 1, 2, 3

    ),

    exported_versions as (

        select
            record_id,
            system_modstamp,
            min(load_id) as load_id,
            min(loaded_at) as loaded_at,
            count(*) as export_count
        from exported
        group by record_id, system_modstamp

    ),

    -- The later word counts; what was loaded first is nothing to exports.
    said as (

        select
            record_id,
            system_modstamp,
            payload,
            1 as word,
            0 as snapshot_load_id
        from exported

        union all

        select
            exported.record_id,
            exported.system_modstamp,
            {{ touchline.json_without_nulls('exported.payload') }} as payload,
            2 as word,
            0 as snapshot_load_id
        from exported
        inner join exported_versions
            on
                exported.record_id = exported_versions.record_id
                and exported.system_modstamp = exported_versions.system_modstamp
        where exported_versions.export_count > 1

        union all

        select
            record_id,
            system_modstamp,
            payload,
            3 as word,
            load_id as snapshot_load_id
        from {{ snapshots }}
        where record_id in (select exported_versions.record_id from exported_versions)

    ),

    in_order as (

        select
            record_id,
            system_modstamp,
            payload,
            word,
            {{ touchline.json_field_names('payload') }} as fields,
            row_number() over (
                partition by record_id
                order by system_modstamp, word, snapshot_load_id, cast(payload as varchar)
            ) as position
        from said

    ),

    -- Nothing is left of what somebody said once the same fields have been said again.
    heard as (

        select
            record_id,
            payload,
            position,
            lead(position) over (partition by record_id, fields order by position)
                as outdated_at
        from in_order

    ),

    only_exported as (

        select
            record_id,
            system_modstamp,
            max(position) as position
        from in_order
        group by record_id, system_modstamp
        having max(word) < 3

    ),

    known as (

        select
            only_exported.record_id,
            only_exported.system_modstamp,
            {{ touchline.json_merged('heard.payload', 'heard.position') }} as payload
        from only_exported
        inner join heard
            on
                only_exported.record_id = heard.record_id
                and only_exported.position >= heard.position
                and only_exported.position < coalesce(
                    heard.outdated_at, only_exported.position + 1
                )
        group by only_exported.record_id, only_exported.system_modstamp

    )

    select
        load_id,
        loaded_at,
        record_id,
        system_modstamp,
        is_deleted,
        payload,
        false as is_from_export
    from {{ snapshots }}

    union all

    select
        exported_versions.load_id,
        exported_versions.loaded_at,
        known.record_id,
        known.system_modstamp,
        coalesce(
            {{ touchline.cast_or_null(
                touchline.json_text('known.payload', '.IsDeleted'), 'boolean'
            ) }},
            false
        ) as is_deleted,
        known.payload,
        true as is_from_export
    from known
    inner join exported_versions
        on
            known.record_id = exported_versions.record_id
            and known.system_modstamp = exported_versions.system_modstamp
{%- endmacro %}

{#- A value of a JSON document as text, by its path behind the `$`. -#}
{% macro json_text(document, path) -%}
    {{ adapter.dispatch('json_text', 'touchline')(document, path) }}
{%- endmacro %}

{% macro duckdb__json_text(document, path) -%}
    ({{ document }} ->> '${{ path }}')
{%- endmacro %}

{#- A JSON object without the keys whose value is null. -#}
{% macro json_without_nulls(document) -%}
    {{ adapter.dispatch('json_without_nulls', 'touchline')(document) }}
{%- endmacro %}

{% macro duckdb__json_without_nulls(document) -%}
    json_merge_patch(json('{}'), {{ document }})
{%- endmacro %}

{#- The names of a JSON object's keys, as a text to compare. -#}
{% macro json_field_names(document) -%}
    {{ adapter.dispatch('json_field_names', 'touchline')(document) }}
{%- endmacro %}

{% macro duckdb__json_field_names(document) -%}
    cast(json_keys({{ document }}) as varchar)
{%- endmacro %}

{#- Aggregate: the JSON objects of a group in one, each key as the last one that has it says. -#}
{% macro json_merged(document, order) -%}
    {{ adapter.dispatch('json_merged', 'touchline')(document, order) }}
{%- endmacro %}

{% macro duckdb__json_merged(document, order) -%}
    {#- sqlfluff does not know lambdas with two arguments. -#}
    list_reduce( -- noqa: PRS
        list({{ document }} order by {{ order }}),
        lambda merged, later: json_merge_patch(merged, later)
    )
{%- endmacro %}
