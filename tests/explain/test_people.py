"""Who somebody is to Salesforce, and by which keys the rest of the story is found."""

from collections.abc import Iterator

import duckdb
import pytest
from duckdb import DuckDBPyConnection

from orchestration.explain.identity import Identity
from orchestration.explain.people import describe

ANN, TWIN, DORA, GONE, LEAD, LOST = (f"003Hs000000000{number}IAA" for number in range(1, 7))

SCENE = f"""
create schema intermediate;
create table intermediate.int_crm__users (user_id varchar, user_name varchar);
create table intermediate.int_crm__records (
    crm_object varchar, crm_id varchar, email varchar, owner_id varchar, is_deleted boolean,
    stands_for_id varchar, is_writable boolean, unwritable_reason varchar
);
insert into intermediate.int_crm__records values
    ('Contact', '{ANN}', 'ann@x.example', null, false, '{ANN}', true, null),
    ('Contact', '{TWIN}', 'ann@x.example', null, false, '{TWIN}', true, null),
    ('Contact', '{DORA}', 'ann@x.example', null, false, '{DORA}', true, null),
    ('Contact', '{GONE}', 'gone@x.example', null, true, '{GONE}', false, 'record_deleted'),
    ('Lead', '{LEAD}', 'lead@x.example', null, false, '{GONE}', false, 'record_deleted'),
    ('Contact', '{LOST}', 'new@x.example', null, true, '{LOST}', false, 'record_deleted');
create table intermediate.int_crm__record_versions (crm_id varchar, email varchar);
insert into intermediate.int_crm__record_versions values
    ('{ANN}', 'ann@x.example'), ('{LOST}', 'gone@x.example'), ('{LOST}', 'new@x.example');
create table intermediate.int_crm__addresses (
    email varchar, crm_id varchar, stands_for_id varchar, is_current boolean, is_chosen boolean
);
insert into intermediate.int_crm__addresses values
    ('ann@x.example', '{ANN}', '{ANN}', true, true),
    ('ann@x.example', '{TWIN}', '{TWIN}', true, false),
    ('ann@x.example', '{DORA}', '{DORA}', true, false);
create table intermediate.int_people__crm_matches (
    person_email varchar, crm_record_id varchar, crm_id varchar, person_key varchar,
    matched_by varchar, unmatched_reason varchar
);
insert into intermediate.int_people__crm_matches values
    ('ann@x.example', null, '{ANN}', '{ANN}', 'email', null),
    ('ann@x.example', '{DORA}', '{DORA}', '{DORA}', 'crm_id', null),
    ('gone@x.example', ' {LEAD[:15]}', null, 'gone@x.example', null, 'record_deleted');
create table intermediate.int_people__tracking_opt_outs (crm_id varchar);
insert into intermediate.int_people__tracking_opt_outs values ('{GONE}');
create table intermediate.int_enrollments__current (
    enrollment_id varchar, sequence_name varchar, person_email varchar, crm_record_id varchar,
    mailbox varchar, created_at timestamp, source_place varchar
);
"""


@pytest.fixture(scope="module")
def copy() -> Iterator[DuckDBPyConnection]:
    """A read copy with nothing but people in it."""
    with duckdb.connect() as connection:
        connection.execute(SCENE)
        yield connection


def test_of_records_with_one_address_those_are_left_alone_that_no_enrollment_names(
    copy: DuckDBPyConnection,
) -> None:
    """H1, H2: mail by hand counts for Ann, the enrollment's for Dora."""
    person, _ = describe(copy, Identity(ANN, is_record=True))
    assert [record.crm_id for record in person.duplicates] == [TWIN]


def test_whose_records_were_deleted_has_them_still(copy: DuckDBPyConnection) -> None:
    """H3, D9: by the id that the enrollment carries, what that one stood for, and by address."""
    person, keys = describe(copy, Identity("gone@x.example", is_record=False))
    assert person.crm_id is None
    assert keys.records == (GONE, LEAD, LOST)
    assert person.wants_no_tracking


def test_a_deleted_record_that_nobody_wrote_to_says_that_it_was_deleted(
    copy: DuckDBPyConnection,
) -> None:
    person, keys = describe(copy, Identity(LOST, is_record=False))
    assert person.unmatched_reason == "record_deleted"
    assert (keys.records, keys.own_emails) == ((LOST,), ())
    assert not person.wants_no_tracking
