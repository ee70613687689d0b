-- G5: a weight of a signal that nobody knows would add nothing, silently.
{{ config(meta={'dagster': {'ref': {'name': 'engagement_weights'}}}) }}

with

weights as (

    select * from {{ ref('engagement_weights') }}

),

listed as (

    select
        count(*) as unknown_count,
        {{ join_texts('signal', 'signal') }} as signals
    from weights
    where
        signal not in (
            {%- for signal in engagement_signals() %}
                '{{ signal }}'{{ ',' if not loop.last }}
            {%- endfor %}
        )

)

select signals
from listed
where case
    when unknown_count > 0
        then {{ fail_with("'Unknown signals: ' || signals || '. Those that there are: "
            ~ engagement_signals() | join(', ')
            ~ ". Mend seeds/engagement_weights.csv and run again.'") }}
end
