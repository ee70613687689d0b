{#- Many patterns against many texts: an engine is quick with one pattern that it knows beforehand, and
    slow with one that differs from row to row. A hook remembers all of a kind as one; a model lets
    only the texts that it fits meet each of them. `relations` have a column `pattern`. -#}
{% macro remember_patterns(name, relations) -%}
    {{ adapter.dispatch('remember_patterns', 'touchline')(name, relations) }}
{%- endmacro %}

{% macro duckdb__remember_patterns(name, relations) -%}
    set variable {{ name }} = (
        select string_agg('(?:' || pattern || ')', '|')
        from (
            {%- for relation in relations %}
            {% if not loop.first %}union all {% endif %}select pattern from {{ relation }}
            {%- endfor %}
        )
    )
{%- endmacro %}

{#- Where no hook has run, as in unit tests, every text may fit. -#}
{% macro may_match_remembered(text, name) -%}
    {{ adapter.dispatch('may_match_remembered', 'touchline')(text, name) }}
{%- endmacro %}

{% macro duckdb__may_match_remembered(text, name) -%}
    coalesce(regexp_matches({{ text }}, getvariable('{{ name }}'), 'i'), true)
{%- endmacro %}

{#- What follows a word in a subject that alone means an absence: nothing, a mark, the subject that
    is answered, a day, since or until when. "Vacation until Monday" is one, "Vacation rentals" is none. -#}
{% macro after_a_bare_word() -%}
    {%- set marks = '[:：(（\\[|]|[-–—]\\s' -%}
    {%- set answered = '(re|aw|sv|vs|tr|rv|antw|wg|fwd?)\\s?:' -%}
    {%- set times = [
        'until', 'till', 'from', 'between', 'through', 'bis', 'vom', 'von', 'du', 'au',
        'jusqu', 'hasta', 'desde', 'del', 'por', 'dal', 'fino', 'até', 'do', 'tot', 'van', 'vanaf', 'til',
        'från', 'fra', 'od',
    ] -%}
    (\s*([.!]*$|{{ marks }})|\s+({{ answered }}|\d|({{ times | join('|') }})(\W|$)))
{%- endmacro %}
