"""By which keys a person's mail is found: what is of no message is whose address it bears."""

import duckdb
import pytest
from duckdb import DuckDBPyConnection

from orchestration.explain.identity import Identity
from orchestration.explain.people import describe

BEN, DORA = "003Hs0000000001IAA", "003Hs0000000002IAA"

#: Dora was enrolled by her record's id, under addresses of Ben's and of nobody's.
SCENE = f"""
create schema intermediate;
create table intermediate.int_crm__records as
select
    'Contact' as crm_object, unnest(['{BEN}', '{DORA}']) as crm_id, crm_id as stands_for_id,
    null::varchar as email, false as is_deleted, true as is_writable,
    null::varchar as unwritable_reason, null::varchar as owner_id;
create table intermediate.int_crm__record_versions (crm_id varchar, email varchar);
create table intermediate.int_crm__users (user_id varchar, user_name varchar);
create table intermediate.int_crm__addresses as
from (values
    ('ben@x.example', '{BEN}', '{BEN}', true, true),
    ('dora@x.example', '{DORA}', '{DORA}', true, true)
) as rows (email, crm_id, stands_for_id, is_current, is_chosen);
create table intermediate.int_people__crm_matches as
from (values
    ('ben@x.example', '{DORA}', '{DORA}', 'crm_id', null::varchar),
    ('team@x.example', '{DORA}', '{DORA}', 'crm_id', null),
    ('ben@x.example', null, '{BEN}', 'email', null),
    ('cleo@x.example', null, 'cleo@x.example', null, 'no_record_with_this_email')
) as rows (person_email, crm_record_id, person_key, matched_by, unmatched_reason);
alter table intermediate.int_people__crm_matches add column crm_id varchar;
update intermediate.int_people__crm_matches set crm_id = person_key where person_key like '003%';
create table intermediate.int_people__tracking_opt_outs (crm_id varchar);
create table intermediate.int_enrollments__current (
    enrollment_id varchar, sequence_name varchar, person_email varchar, crm_record_id varchar,
    mailbox varchar, created_at timestamp, source_place varchar
);
"""


@pytest.fixture
def copy() -> DuckDBPyConnection:
    """A read copy with nothing but people in it."""
    connection = duckdb.connect()
    connection.execute(SCENE)
    return connection


@pytest.mark.parametrize(
    ("who", "own_emails"),
    [
        (Identity(DORA, is_record=True), ("dora@x.example", "team@x.example")),
        (Identity(BEN, is_record=True), ("ben@x.example",)),
        (Identity("cleo@x.example", is_record=False), ("cleo@x.example",)),
        (Identity("stray@x.example", is_record=False), ("stray@x.example",)),
    ],
)
def test_stray_mail_is_never_told_of_whoever_was_enrolled_under_the_address_of_somebody_else(
    copy: DuckDBPyConnection, who: Identity, own_emails: tuple[str, ...]
) -> None:
    """H1: the enrollment is the named record's; the address stays the other record's."""
    _, keys = describe(copy, who)
    assert keys.own_emails == own_emails
