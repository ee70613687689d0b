with

versions as (

    select
        *,
        row_number() over (
            partition by user_id
            order by system_modstamp_at desc, load_id desc
        ) as recency
    from {{ ref('stg_salesforce__users') }}

)

select
    user_id,
    user_name,
    email,
    is_active
from versions
where recency = 1 and not is_deleted
