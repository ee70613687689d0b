{#-
    Wilson score interval of a proportion (Wilson 1927, JASA 22:209): better than the normal
    interval for the small counts and low rates of sales email. Null without a denominator. It
    holds the proportion also where rounding would put a bound of 0 or 1 beside it.
-#}
{% macro wilson_bound(successes, total, side) -%}
    {%- set z = var('interval_z') -%}
    {%- set p = '(' ~ successes ~ ' * 1.0 / ' ~ total ~ ')' -%}
    case
        when {{ total }} > 0
            then cast(
                {{ 'greatest(0.0, least' if side == 'low' else 'least(1.0, greatest' }}({{ p }}, (
                    {{ p }} + {{ z * z / 2 }} / {{ total }}
                    {{ '-' if side == 'low' else '+' }} {{ z }} * sqrt(
                        ({{ p }} * (1 - {{ p }}) + {{ z * z / 4 }} / {{ total }}) / {{ total }}
                    )
                ) / (1 + {{ z * z }} / {{ total }}))) as double
            )
    end
{%- endmacro %}

{% macro rate(successes, total) -%}
    cast({{ successes }} * 1.0 / nullif({{ total }}, 0) as double)
{%- endmacro %}

{#-
    Capture-recapture: `first` and `second` are caught once, `both` twice (D6, docs/coverage.md).
    Chapman (1951), Univ. Calif. Publ. Stat. 1:131, of all there are; never below those seen.
-#}
{% macro chapman_estimate(first, second, both) -%}
    (({{ first }} + 1.0) * ({{ second }} + 1.0) / ({{ both }} + 1.0) - 1)
{%- endmacro %}

{#-
    Those never caught, with half a count added to each cell, so that an empty cell still has a
    variance (Sadinle 2009, Commun. Stat. Simul. Comput. 38:1909).
-#}
{% macro unseen_estimate(first, second, both) -%}
    (
        ({{ first }} - {{ both }} + 0.5) * ({{ second }} - {{ both }} + 0.5) / ({{ both }} + 0.5)
    )
{%- endmacro %}

{#- Variance of the logarithm of `unseen_estimate`, as an estimate of how many really were unseen. -#}
{% macro unseen_log_variance(first, second, both) -%}
    (
        1 / ({{ both }} + 0.5)
        + 1 / ({{ first }} - {{ both }} + 0.5)
        + 1 / ({{ second }} - {{ both }} + 0.5)
        + 1 / {{ unseen_estimate(first, second, both) }}
    )
{%- endmacro %}

{#-
    How many times more than by chance the second captures of the same unit vary (the ĉ of Burnham
    et al. 1987, Am. Fish. Soc. Monogr. 5), from a unit's counts summed up: Pearson's X² of `both`
    given `first`, weighted by capture. At least 1.
-#}
{% macro variance_inflation(squares_of_both, products, squares_of_first, first, both) -%}
    greatest(
        1.0,
        coalesce(
            (
                {{ squares_of_both }}
                - 2.0 * {{ products }} * {{ both }} / nullif({{ first }}, 0)
                + 1.0
                * {{ squares_of_first }}
                * {{ both }}
                * {{ both }}
                / nullif({{ first }} * {{ first }}, 0)
            )
            / nullif({{ both }} * (1 - 1.0 * {{ both }} / nullif({{ first }}, 0)), 0),
            1.0
        )
    )
{%- endmacro %}

{#- Bound of a log-normal interval around `unseen` (Chao 1987, Biometrics 43:783), on top of `seen`. -#}
{% macro log_normal_bound(seen, unseen, log_variance, side) -%}
    (
        {{ seen }}
        + {{ unseen }}
        * exp({{ '-' if side == 'low' else '' }}{{ var('interval_z') }} * sqrt({{ log_variance }}))
    )
{%- endmacro %}

{#- The middle value of a group; between two, their mean. -#}
{% macro median(value) -%}
    {{ adapter.dispatch('median', 'touchline')(value) }}
{%- endmacro %}

{% macro duckdb__median(value) -%}
    median({{ value }})
{%- endmacro %}
