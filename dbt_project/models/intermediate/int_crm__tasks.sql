with

versions as (

    select
        *,
        row_number() over (
            partition by task_id
            order by system_modstamp_at desc, load_id desc
        ) as recency
    from {{ ref('stg_salesforce__tasks') }}

)

select
    task_id,
    subject,
    status,
    who_id,
    owner_id,
    is_closed,
    is_email,
    due_on,
    created_at
from versions
where recency = 1 and not is_deleted
