with

inbound as (

    select * from {{ ref('int_mail__inbound') }}
    where inbound_kind = 'delivery_report'

),

reports as (

    select
        mail_key,
        {{ json_list_rows('delivery_reports') }} as report,
        {{ json_list_rows(list_positions('delivery_reports')) }} as position
    from inbound

),

typed as (

    select
        mail_key,
        position,
        {{ email_key('report.final_recipient') }} as recipient_email,
        report.action as delivery_action,
        coalesce(report.action, 'failed') = 'failed' as is_failure,
        {{ bounce_subtype('report.status', 'report.diagnostic_code') }} as bounce_subtype
    from reports

),

numbered as (

    select
        *,
        row_number() over (
            partition by mail_key, recipient_email
            order by is_failure desc, position asc
        ) as report_number
    from typed

)

select
    mail_key,
    position,
    recipient_email,
    delivery_action,
    is_failure,
    bounce_subtype
from numbered
where report_number = 1
