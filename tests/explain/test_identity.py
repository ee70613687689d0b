"""Whatever somebody asks by leads to one person, or to an error that says what to try."""

from collections.abc import Iterator

import duckdb
import pytest
from duckdb import DuckDBPyConnection

from orchestration.explain.identity import Identity, UnknownPersonError, find_person, record_id

ANN, OLD_ANN, LEAD, BEN, TWIN, GONE, DORA, UNSEEN, SEAN, LOST, NAMELESS, ACCOUNT = (
    record_id(f"003Hs000000000{last}") for last in "123456789abc"
)

SCENE = f"""
create schema intermediate;
create table intermediate.int_crm__records (
    crm_object varchar, crm_id varchar, is_deleted boolean, is_converted boolean,
    is_writable boolean, stands_for_object varchar, stands_for_id varchar,
    unwritable_reason varchar
);
insert into intermediate.int_crm__records values
    ('Contact', '{ANN}', false, false, true, 'Contact', '{ANN}', null),
    ('Contact', '{OLD_ANN}', true, false, true, 'Contact', '{ANN}', null),
    ('Lead', '{LEAD}', false, true, true, 'Contact', '{ANN}', null),
    ('Contact', '{BEN}', false, false, true, 'Contact', '{BEN}', null),
    ('Contact', '{TWIN}', false, false, true, 'Contact', '{TWIN}', null),
    ('Contact', '{GONE}', true, false, false, 'Contact', '{GONE}', 'record_deleted'),
    ('Contact', '{LOST}', true, false, false, 'Contact', '{LOST}', 'record_deleted'),
    ('Contact', '{NAMELESS}', true, false, false, 'Contact', '{NAMELESS}', 'record_deleted'),
    (
        'Lead', '{ACCOUNT}', false, true, false, 'Lead', '{ACCOUNT}',
        'lead_converted_without_contact'
    ),
    ('Contact', '{DORA}', false, false, true, 'Contact', '{DORA}', null),
    ('Contact', '{SEAN}', false, false, true, 'Contact', '{SEAN}', null);
create table intermediate.int_crm__record_versions (crm_id varchar, email varchar);
insert into intermediate.int_crm__record_versions values
    ('{ACCOUNT}', 'cleo@x.example'), ('{NAMELESS}', 'nameless@x.example');
create table intermediate.int_crm__addresses (
    email varchar, crm_id varchar, stands_for_id varchar, stands_for_object varchar,
    is_current boolean, is_chosen boolean
);
insert into intermediate.int_crm__addresses values
    ('ann@x.example', '{ANN}', '{ANN}', 'Contact', true, true),
    ('ben@x.example', '{BEN}', '{BEN}', 'Contact', true, true),
    ('ben@x.example', '{TWIN}', '{TWIN}', 'Contact', true, false),
    ('dora@x.example', '{DORA}', '{DORA}', 'Contact', true, true),
    ('fay@x.example', '{DORA}', '{DORA}', 'Contact', false, true),
    ('sean@x.example', '{DORA}', '{DORA}', 'Contact', false, true),
    ('sean@x.example', '{SEAN}', '{SEAN}', 'Contact', true, false);
create table intermediate.int_people__crm_matches (
    person_email varchar, crm_record_id varchar, crm_id varchar, person_key varchar
);
insert into intermediate.int_people__crm_matches values
    ('ann@x.example', null, '{ANN}', '{ANN}'),
    ('ben@x.example', '{DORA}', '{DORA}', '{DORA}'),
    ('ben@x.example', null, '{BEN}', '{BEN}'),
    ('cleo@x.example', null, null, 'cleo@x.example'),
    ('gone@x.example', ' {GONE[:15]}', null, 'gone@x.example'),
    ('fay@x.example', null, '{DORA}', '{DORA}'),
    ('fay@x.example', '{LOST}', null, 'fay@x.example'),
    ('sean@x.example', null, '{DORA}', '{DORA}'),
    ('sean@x.example', '{SEAN}', '{SEAN}', '{SEAN}');
create table intermediate.int_enrollments__current (
    enrollment_id varchar, person_email varchar, crm_record_id varchar
);
insert into intermediate.int_enrollments__current values
    ('e1', 'ben@x.example', '{DORA}'), ('e2', 'cleo@x.example', null),
    ('e3', 'sean@x.example', '{SEAN}'), ('e4', 'fay@x.example', '{LOST}');
create table intermediate.int_messages__outbound (
    recipient_email varchar, enrollment_id varchar, belongs_to_number ubigint
);
insert into intermediate.int_messages__outbound values
    ('ben@x.example', 'e1', md5_number_lower('e1')),
    ('ben@x.example', null, md5_number_lower('ben@x.example')),
    ('fay@x.example', null, md5_number_lower('fay@x.example')),
    ('sean@x.example', 'e3', md5_number_lower('e3'));
create table intermediate.int_events__attached (belongs_to_number ubigint);
insert into intermediate.int_events__attached values (md5_number_lower('stray@x.example'));
create table intermediate.int_replies__attributed (sender_email varchar);
insert into intermediate.int_replies__attributed values ('writes@x.example');
"""


@pytest.fixture(scope="module")
def copy() -> Iterator[DuckDBPyConnection]:
    """A read copy with nothing but people in it."""
    with duckdb.connect() as connection:
        connection.execute(SCENE)
        yield connection


@pytest.mark.parametrize(
    ("asked", "key", "is_record"),
    [
        (" Ann@X.example ", ANN, True),
        (ANN, ANN, True),
        (ANN[:15], ANN, True),
        ("e1", DORA, True),
        ("e2", "cleo@x.example", False),
        ("cleo@x.example", "cleo@x.example", False),
        ("stray@x.example", "stray@x.example", False),
        ("writes@x.example", "writes@x.example", False),
        (NAMELESS, NAMELESS, False),
        ("nameless@x.example", "nameless@x.example", False),
    ],
)
def test_an_address_a_record_and_an_enrollment_lead_to_the_person(
    copy: DuckDBPyConnection, asked: str, key: str, is_record: bool
) -> None:
    assert find_person(copy, asked) == Identity(key, is_record)


@pytest.mark.parametrize(
    ("asked", "key", "note"),
    [
        (LEAD, ANN, f"Lead {LEAD} was converted to Contact {ANN}."),
        (OLD_ANN, ANN, f"Contact {OLD_ANN} was merged into Contact {ANN}."),
        (TWIN, BEN, f"Contact {TWIN} is left alone: mail to ben@x.example counts for Contact "),
        (GONE, "gone@x.example", f"{GONE} is not written to (the record, or every one"),
        (ACCOUNT, "cleo@x.example", f"{ACCOUNT} is not written to (the lead became an account"),
        ("ben@x.example", BEN, f"Mail to ben@x.example also counts for {DORA}"),
        ("fay@x.example", DORA, f"Mail to fay@x.example also counts for {LOST}, whose id"),
        (LOST, "fay@x.example", f"{LOST} is not written to"),
        ("sean@x.example", SEAN, f"sean@x.example is also an address of {DORA}, whom no mail"),
    ],
)
def test_where_somebody_else_is_told_of_the_story_says_so(
    copy: DuckDBPyConnection, asked: str, key: str, note: str
) -> None:
    """H2, H3: converted leads, losers of merges, duplicates, deleted records."""
    found = find_person(copy, asked)
    assert found.key == key
    assert len(found.notes) == 1
    assert found.notes[0].startswith(note)


@pytest.mark.parametrize(
    ("asked", "advice"),
    [
        ("anne@x.example", "Did you mean ann@x.example?"),
        ("cleo@x.exmaple", "Did you mean cleo@x.example?"),
        ("somebody@nowhere.test", "marts.unmatched_people"),
        (UNSEEN, "Ask by email address instead"),
        ("e9", "neither an email address nor the id of"),
        ("", "neither an email address nor the id of"),
    ],
)
def test_whoever_is_unknown_is_refused_with_something_to_try(
    copy: DuckDBPyConnection, asked: str, advice: str
) -> None:
    with pytest.raises(UnknownPersonError, match=advice):
        find_person(copy, asked)


def test_the_suffix_of_an_id_says_which_letters_are_upper_case() -> None:
    """The example of Salesforce's documentation of ids."""
    assert record_id("00570000001ZwTi") == "00570000001ZwTiAAK"
    assert record_id("003Hs0000000004") == "003Hs0000000004IAA"
