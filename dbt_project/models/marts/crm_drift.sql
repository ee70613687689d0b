with

people as (

    select * from {{ ref('people') }}

),

crm_values as (

    select * from {{ ref('int_crm__mapped_values') }}

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
            {{ crm_value('people.' ~ metric, metric) }} as recomputed_value,
            crm_values.last_modified_at,
            crm_values.last_modified_by_id
        from people
        inner join crm_values on people.crm_id = crm_values.crm_id
        {% if not loop.last %}union all{% endif %}
    {% endfor %}

)

select
    compared.crm_object,
    compared.crm_id,
    compared.metric,
    compared.crm_value,
    compared.recomputed_value,
    compared.last_modified_at as crm_changed_at,
    coalesce(users.user_name, compared.last_modified_by_id) as crm_changed_by
from compared
left join users on compared.last_modified_by_id = users.user_id
where compared.crm_value is distinct from compared.recomputed_value
