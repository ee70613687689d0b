"""What Salesforce said of a person's records, in the order in which it did."""

from collections.abc import Iterator

import duckdb
import pytest
from duckdb import DuckDBPyConnection

from orchestration.explain.crm_facts import read_crm_facts
from orchestration.explain.people import Keys

SCENE = """
create schema intermediate;
create schema staging;
create schema raw;
create table intermediate.int_crm__record_versions (
    crm_id varchar, crm_object varchar, email varchar, individual_id varchar,
    has_opted_out_of_email boolean, is_deleted boolean, is_converted boolean,
    master_record_id varchar, converted_contact_id varchar, system_modstamp_at timestamp,
    load_id bigint, is_from_export boolean, is_current boolean
);
insert into intermediate.int_crm__record_versions by name
select
    'Contact' as crm_object, false as is_converted, null as converted_contact_id,
    row_number() over (partition by crm_id order by load_id desc) = 1 as is_current,
    ('2026-10-0' || load_id)::timestamp as system_modstamp_at, *
from (values
    ('ann', 1, 'a@x.example', 'old', false, false, null, true),
    ('ann', 2, 'a@x.example', 'new', true, false, null, false),
    ('ann', 3, 'b@x.example', 'new', false, true, null, false),
    ('ann', 4, 'b@x.example', 'new', false, false, null, false),
    ('ben', 2, 'c@x.example', null, false, true, 'ann', false),
    ('cleo', 1, null, null, true, false, null, true)
) as versions (
    crm_id, load_id, email, individual_id, has_opted_out_of_email, is_deleted, master_record_id,
    is_from_export
);
create table staging.stg_salesforce__individuals (
    individual_id varchar, has_opted_out_of_tracking boolean, is_deleted boolean,
    system_modstamp_at timestamp, load_id bigint
);
insert into staging.stg_salesforce__individuals values
    ('old', true, false, '2026-09-01', 1),
    ('new', false, false, '2026-09-02', 1),
    ('new', true, false, '2026-09-03', 5),
    ('new', true, false, '2026-09-04', 6),
    ('new', true, true, '2026-09-05', 7);
create table raw.salesforce_exports (load_id bigint, payload json, file varchar, line bigint);
insert into raw.salesforce_exports values
    (1, '{"Id": "cleo"}', 'exports/Contact.csv', 2),
    (5, '{"Id": "new"}', 'exports/Individual.csv', 3);
"""


@pytest.fixture(scope="module")
def copy() -> Iterator[DuckDBPyConnection]:
    """A read copy with nothing but records in it."""
    with duckdb.connect() as connection:
        connection.execute(SCENE)
        yield connection


def told(copy: DuckDBPyConnection, *records: str) -> list[tuple[str, str, str, str]]:
    """Return the facts of records in short."""
    facts = read_crm_facts(copy, Keys(records, own_emails=(), plain_emails=(), enrolled=()))
    return [(f"{fact.at:%m-%d}", fact.crm_id, fact.fact, str(fact.place)) for fact in facts]


def test_each_change_that_matters_to_mail_is_told_when_salesforce_says_it_was(
    copy: DuckDBPyConnection,
) -> None:
    changes = [fact for fact in told(copy, "ann", "ben") if not fact[2].startswith("tracking")]
    assert changes == [
        ("10-02", "ann", "opted_out", "Salesforce Contact, load 2"),
        ("10-03", "ann", "opted_in", "Salesforce Contact, load 3"),
        ("10-03", "ann", "deleted", "Salesforce Contact, load 3"),
        ("10-03", "ann", "email_changed", "Salesforce Contact, load 3"),
        ("10-04", "ann", "restored", "Salesforce Contact, load 4"),
        ("10-02", "ben", "merged", "Salesforce Contact, load 2"),
    ]


def test_dont_track_is_what_the_individual_of_now_says_until_it_is_deleted(
    copy: DuckDBPyConnection,
) -> None:
    """D9: as `int_people__tracking_opt_outs` has it, also of individuals from exports."""
    wishes = [fact for fact in told(copy, "ann", "ben") if fact[2].startswith("tracking")]
    assert wishes == [
        ("09-03", "ann", "tracking_opted_out", "exports/Individual.csv:3"),
        ("09-05", "ann", "tracking_opted_in", "Salesforce Individual, load 7"),
    ]


def test_what_an_export_said_bears_its_line(copy: DuckDBPyConnection) -> None:
    assert told(copy, "cleo") == [("10-01", "cleo", "opted_out", "exports/Contact.csv:2")]
