{#-
    A7: the versions of an object's records, from snapshots over the API and from CSV exports.

    An export may lack fields. What it does not say of a record is what the API said last before that
    version; an empty cell says null. A version that both have seen is the API's.
-#}
{% macro salesforce_versions(object, snapshots, exports) -%}
    {{ adapter.dispatch('salesforce_versions', 'touchline')(object, snapshots, exports) }}
{%- endmacro %}

{% macro duckdb__salesforce_versions(object, snapshots, exports) -%}
    with exported as (

        select
            record_id,
            system_modstamp,
            min(load_id) as load_id,
            min(loaded_at) as loaded_at,
            -- The fullest of several exports of one version, whatever came first.
            arg_max(payload, (length(cast(payload as varchar)), cast(payload as varchar)))
                as payload
        from (
            select
                load_id,
                loaded_at,
                payload ->> '$.Id' as record_id,
                {{ touchline.utc_from_iso("payload ->> '$.SystemModstamp'") }} as system_modstamp,
                payload
            from {{ exports }}
            where envelope ->> '$[0].object' = '{{ object }}'
        ) as export_rows
        group by record_id, system_modstamp

    ),

    known as (

        select
            record_id,
            system_modstamp,
            arg_max(payload, load_id) as payload
        from {{ snapshots }}
        where record_id in (select exported.record_id from exported)
        group by record_id, system_modstamp

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
        exported.load_id,
        exported.loaded_at,
        exported.record_id,
        exported.system_modstamp,
        coalesce(try_cast(exported.payload ->> '$.IsDeleted' as boolean), false) as is_deleted,
        case
            when known.payload is null then exported.payload
            else json_merge_patch(known.payload, exported.payload)
        end as payload,
        true as is_from_export
    from exported
    asof left join known
        on
            exported.record_id = known.record_id
            and exported.system_modstamp >= known.system_modstamp
    where known.system_modstamp is distinct from exported.system_modstamp
{%- endmacro %}
