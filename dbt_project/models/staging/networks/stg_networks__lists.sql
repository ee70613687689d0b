with

source as (

    select
        network_kind,
        cidr,
        file,
        line
    from {{ source('raw', 'networks') }}

)

select
    network_kind,
    cidr,
    file as source_file,
    line as source_line
from source
