"""Who somebody is to Salesforce, and by which keys the rest of the story is found."""

from collections.abc import Iterator

import duckdb
import pytest
from duckdb import DuckDBPyConnection

from orchestration.explain.identity import Identity
from orchestration.explain.people import describe

ANN, TWIN, DORA = (f"003Hs000000000{number}IAA" for number in range(1, 4))

SCENE = f"""
create schema intermediate;
create table intermediate.int_crm__users (user_id varchar, user_name varchar);
create table intermediate.int_crm__records (
    crm_object varchar, crm_id varchar, email varchar, owner_id varchar, is_deleted boolean,
    stands_for_id varchar
);
insert into intermediate.int_crm__records values
    ('Contact', '{ANN}', 'ann@x.example', null, false, '{ANN}'),
    ('Contact', '{TWIN}', 'ann@x.example', null, false, '{TWIN}'),
    ('Contact', '{DORA}', 'ann@x.example', null, false, '{DORA}');
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
    ('ann@x.example', '{DORA}', '{DORA}', '{DORA}', 'crm_id', null);
create table intermediate.int_people__tracking_opt_outs (crm_id varchar);
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
