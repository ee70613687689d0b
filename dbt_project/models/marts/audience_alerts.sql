with

spells as (

    select * from {{ ref('int_audiences__spells') }}
    where action = 'alert'

),

owners as (

    select * from {{ ref('int_people__owners') }}

)

select
    'alert ' || spells.audience || ' ' || spells.crm_id || ' ' || cast(spells.since_on as varchar)
        as alert_key,
    spells.audience,
    spells.crm_object,
    spells.crm_id,
    owners.owner_id,
    spells.metric,
    spells.value,
    spells.since_on,
    spells.until_on,
    spells.until_on is null as is_current
from spells
left join owners on spells.crm_id = owners.crm_id
