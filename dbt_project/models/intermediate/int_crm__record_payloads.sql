{{ config(materialized='view') }}

with

contacts as (

    select * from {{ ref('stg_salesforce__contacts') }}

),

leads as (

    select * from {{ ref('stg_salesforce__leads') }}

)

select
    contact_id as crm_id,
    system_modstamp_at,
    load_id,
    payload
from contacts

union all

select
    lead_id as crm_id,
    system_modstamp_at,
    load_id,
    payload
from leads
