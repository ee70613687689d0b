"""What makes a JSON object a record of its format, and the SQL that sorts records by it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """A key that must have a value, and what refuses a value, as SQL about `{value}`.

    `key` may be a dotted path (`mail.messageId`), or several: the first that has a value counts.
    `only_for` names a key and its value: other records are not asked. A record may do without what
    `is_optional`.
    """

    key: str | tuple[str, ...]
    refused_if: str | None = None
    reason: str = ""
    is_optional: bool = False
    only_for: tuple[str, str] | None = None

    @property
    def keys(self) -> tuple[str, ...]:
        """The places where the value may be."""
        return (self.key,) if isinstance(self.key, str) else self.key


@dataclass(frozen=True)
class Skip:
    """A record that is known to be none of ours: `key` has one of the `values`.

    Where no values are named, any will do. It is counted under its reason in `raw.skipped`, and
    not kept.
    """

    key: str
    values: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class RecordRules:
    """How the records of a format are found and checked: the first failing check is the reason.

    `pages`: keys of an object that hold an array of records. `envelopes`: paths at which a record
    holds another, as an object or as JSON text; opened in this order, each where it is there and no
    larger than anything that a queue carries. What is around a record is kept as a layer of its
    envelope, as `{}` where the whole is larger than that. `form_field`: the name of the field that
    holds the JSON where a line is the body of a form post.
    """

    checks: tuple[Check, ...]
    pages: tuple[str, ...] = ()
    envelopes: tuple[str, ...] = ()
    skips: tuple[Skip, ...] = ()
    form_field: str | None = None

    def plain(self) -> str | None:
        """Return the CTEs that make `checked` records of lines with one object each.

        None where records may be wrapped, so that no line is known to hold just one.
        """
        if self.pages or self.envelopes or self.form_field:
            return None
        return f"with {_PLAIN.format(paths=self._paths())}, {_CHECKED.format(**self._verdict())}"

    def any_layout(self, *, in_stages: bool = False) -> str:
        """Return the CTEs that make `checked` records of whatever a line may hold.

        `in_stages`: in the least memory, for bulky lines.
        """
        place = self._places()
        sql = {
            "as": "as materialized" if in_stages else "as",
            "paths": self._paths(),
            "page_paths": ", ".join(f"'{_path(key)}'" for key in self.pages),
            "pages": "\n            ".join(map(_page, range(1, len(self.pages) + 1))),
        }
        opened = [
            step.format(number=number, before=number - 1, **_envelope(path, place[path]), **sql)
            for number, path in enumerate(self.envelopes, 1)
            for step in (_INNER, _PAGED)
        ]
        parts = [
            _TEXTS.format(text=self.text(), blank=_BLANK, mended=_WITHOUT_LONE_SURROGATES),
            _SPLIT.format(blank=_BLANK, **sql),
            _PAGED.format(number=0, **sql),
            *opened,
            _FOUND.format(last=len(self.envelopes)),
            _CHECKED.format(**self._verdict()),
        ]
        return "with\n" + ",\n".join(parts)

    def text(self) -> str:
        """Return the SQL of a line's JSON: what `text` says, or the field of a form that it is."""
        if self.form_field is None:
            return "text"
        prefix = f"{self.form_field}="
        field = f"split_part(text[{len(prefix) + 1}:], '&', 1)"
        return (
            f"case when starts_with(text, '{prefix}') "
            f"then url_decode(replace({field}, '+', ' ')) else text end"
        )

    def _places(self) -> dict[str, str]:
        """Return the SQL of the text at each key that matters, of a record or around one."""
        asked = [key for check in self.checks for key in check.keys]
        keys = [*asked, *(skip.key for skip in self.skips), *self.envelopes]
        return {key: f"found[{number}]" for number, key in enumerate(dict.fromkeys(keys), 1)}

    def _paths(self) -> str:
        return ", ".join(f"'{_path(key)}'" for key in self._places())

    def _verdict(self) -> dict[str, str]:
        place = self._places()
        cases = []
        for check in self.checks:
            values = ", ".join(f"nullif({place[key]}, '')" for key in check.keys)
            value = f"coalesce({values})"
            asked = ""
            if check.only_for:
                key, wanted = check.only_for
                asked = f"{_is_one_of(place[key], (wanted,))} and "
            if check.is_optional:
                asked += f"{value} is not null and "
            else:
                missing = f"'missing_key: {' or '.join(check.keys)}'"
                cases.append(f"when {asked}{value} is null then {missing}")
            if check.refused_if:
                refused, reason = (
                    sql.format(value=value) for sql in (check.refused_if, check.reason)
                )
                cases.append(f"when {asked}({refused}) then {reason}")
        skips = [
            f"when {_is_one_of(place[skip.key], skip.values)} then '{skip.reason}'"
            for skip in self.skips
        ]
        return {
            "skips": "\n            ".join(skips) or "when false then null",
            "cases": "\n            ".join(cases),
        }


def _path(key: str) -> str:
    return "$" + "".join(f'."{part}"' for part in key.split("."))


def _is_one_of(value: str, values: tuple[str, ...]) -> str:
    if not values:
        return f"{value} is not null"
    # A list, not IN: DuckDB would join the records with a table of the values.
    listed = ", ".join("'" + each.replace("'", "''") + "'" for each in values)
    return f"list_contains([{listed}], {value})"


def _page(number: int) -> str:
    return f"when starts_with(pages[{number}], '[') then json_extract(pages[{number}], '$[*]')"


def _envelope(path: str, found: str) -> dict[str, object]:
    without = "null"
    for part in reversed(path.split(".")):
        without = f'{{"{part}":{without}}}'
    return {"within": found, "without": without, "most": _ENVELOPE_BYTES}


#: SQS carries no more, SNS and EventBridge less. To open what is larger, level by level, and to
#: write it anew without what it held, could take hundreds of times its length.
_ENVELOPE_BYTES = 1 << 20

#: Zeroes are what a log that was emptied while its writer went on begins with; byte order marks
#: come with files that were put one behind the other.
_BLANK = "e' \\t\\r\\n' || chr(0) || chr(65279)"

#: Half of an emoji, as text that was cut to a length ends in: JSON by its grammar, but no text.
_WITHOUT_LONE_SURROGATES = r"""regexp_replace(
            text,
            '(\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})'
            || '|\\u[dD][89a-fA-F][0-9a-fA-F]{2}',
            '\1', 'g'
        )"""

#: `unnest` of a list of one: DuckDB evaluates what is in it once, and not once for each mention.
_PLAIN = """
records as (

    select
        line, position, text as value,
        cast(null as varchar) as broken, cast(null as json) as envelope,
        unnest([try(json_extract_string(text, [{paths}]))]) as found
    from landing_lines

)"""

_TEXTS = """
texts as (

    select line, position, unnest([ltrim({text}, {blank})]) as text
    from landing_lines

),

documents as (

    select
        line, position, text,
        unnest([coalesce(try_cast(text as json), try_cast({mended} as json))]) as document
    from texts

)"""

_SPLIT = """
split as (

    select
        line, position,
        case when document is null then rtrim(text, {blank}) end as broken,
        case
            when document is null and text = '' then []
            when document is null then [document]
            when position is null and starts_with(text, '[')
                then json_extract(document, '$[*]')
            else [document]
        end as elements
    from documents

),

contents_0 {as} (

    select
        line, broken, true as is_opened, []::json[] as layers, null::varchar[] as found,
        coalesce(position, generate_subscripts(elements, 1) - 1) as position,
        unnest(elements) as content
    from split

)"""

#: A record, or a page of records: also as an element of an array, and within an envelope. DuckDB
#: keeps what each function made of a text, thirty times its length, until the stage is done: so all
#: keys are looked up at once, and again only in what came out of an envelope.
_PAGED = """
looked_{number} {as} (

    select
        *,
        unnest([
            case
                when is_opened and starts_with(content, '{{')
                    then json_extract(content, [{page_paths}]::varchar[])
            end
        ]) as pages
    from contents_{number}

),

paged_{number} as (

    select
        *,
        case
            when not is_opened then [content]
            when starts_with(content, '[') and len(layers) > 0 then json_extract(content, '$[*]')
            {pages}
            else [content]
        end as records
    from looked_{number}

),

values_{number} {as} (

    select
        line, broken, layers, found,
        position + generate_subscripts(records, 1) - 1 as position,
        unnest(records) as value
    from paged_{number}

),

opened_{number} as (

    select
        * exclude (found),
        unnest([
            case
                when found is not null then found
                when starts_with(value, '{{') then json_extract_string(value, [{paths}])
                when value is not null then []
            end
        ]) as found
    from values_{number}

)"""

_INNER = """
inner_{number} as (

    select
        *,
        unnest([
            case
                when left(ltrim({within}), 1) in ('{{', '[') and strlen({within}) <= {most}
                    then try_cast({within} as json)
            end
        ]) as within
    from opened_{before}

),

contents_{number} as (

    select
        line, position, broken, within is not null as is_opened,
        case when within is not null then json(within) else value end as content,
        case when within is null then found end as found,
        case
            when within is null then layers
            when strlen(value) > {most} then list_append(layers, json('{{}}'))
            else list_append(layers, json_merge_patch(value, '{without}'))
        end as layers
    from inner_{number}

)"""

_FOUND = """
records as (

    select
        line, position, broken, value, found,
        case when len(layers) > 0 then to_json(layers) end as envelope
    from opened_{last}

)"""

_CHECKED = """
checked as (

    select
        *,
        case
            {skips}
        end as skip_reason,
        case
            when found is null then 'broken_json'
            when len(found) = 0 then 'not_an_object'
            {cases}
        end as reason
    from records

)
"""

SORT_OUT = """
create or replace temp table landing_records as
{records}
select line, position, broken, value, envelope, reason, skip_reason
from checked
"""
SORTED_OUT = "with checked as (select * from landing_records)"
REFUSED = "where reason is not null or skip_reason is not null"

#: What is no JSON as it stands, to be looked at once more.
TAKE_BROKEN = """
delete from landing_records
where reason = 'broken_json' and {condition}
returning line, position, coalesce(broken, cast(value as varchar))
"""
#: Lines of which a part may be JSON: two that a writer that died put into one, or values behind
#: one another. Longer ones are nobody's.
IS_MENDABLE = r"length(broken) < 1000000 and regexp_matches(broken, '[\[{]\s*[{\"]')"

#: Statements about `checked` records; each is given what `load.Target` knows.
KEEP = """
insert into {table} (load_id, file, line, position, loaded_at, payload, envelope)
{records}
select ?, ?, line, coalesce(position, 0), ?, value, envelope
from checked
where reason is null and skip_reason is null
"""

REJECT = """
insert into raw.rejects (load_id, source, file, line, reason, payload)
{records}
select ?, ?, ?, line, reason, left(coalesce(broken, cast(value as varchar)), ?)
from checked
where reason is not null and skip_reason is null
"""

SKIP = """
insert into raw.skipped (load_id, source, file, reason, records)
{records}
select ?, ?, ?, skip_reason, count(*)
from checked
where skip_reason is not null
group by skip_reason
returning records
"""
