{#- What a build writes to the warehouse stays in its write-ahead log: the sync brings it into the file once a
whole copy is standing by (decision 0047). Files of analysts' own are nobody's but theirs. -#}
{% macro leave_checkpoints_to_the_sync() -%}
    {{ adapter.dispatch('leave_checkpoints_to_the_sync', 'touchline')() }}
{%- endmacro %}

{% macro default__leave_checkpoints_to_the_sync() -%}{%- endmacro %}

{% macro duckdb__leave_checkpoints_to_the_sync() -%}
    {%- if target.name == 'local' -%} pragma disable_checkpoint_on_shutdown {%- endif -%}
{%- endmacro %}
