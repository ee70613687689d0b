"""Each provider's types of events stand twice: landing lets them in, staging says what they are."""

import re

import pytest

from orchestration.landing import mailgun, mandrill, postmark, sendgrid, ses
from tests.dbt_files import models

LET_IN = {
    "sendgrid": sendgrid.EVENT_TYPES,
    "ses": ses.EVENT_TYPES,
    "mailgun": mailgun.EVENT_TYPES,
    "mandrill": mandrill.EVENT_TYPES,
}

#: The last CASE about the provider's type that ends as ours.
_CASE = re.compile(r".*\bcase event\S*\n(.*?)end as event_type\b", re.DOTALL)

#: What staging calls the changes of a subscription; no record bears these names.
_CHANGES = {"Subscribe", "ManualSuppression"}


@pytest.mark.parametrize("provider", LET_IN)
def test_b1_staging_names_the_types_that_landing_lets_in(provider: str) -> None:
    found = _CASE.match(models()[f"stg_{provider}__events"].sql)
    assert found
    assert set(re.findall(r"when '([^']+)'", found[1])) == set(LET_IN[provider])


def test_b1_staging_knows_no_postmark_records_but_those_that_landing_lets_in() -> None:
    sql = models()["stg_postmark__events"].sql
    compared = re.findall(r"record_name (?:= ('\w+')|in \(([^)]*)\))", sql)
    named = {word for pair in compared for part in pair for word in re.findall(r"'(\w+)'", part)}
    assert {"Delivery", "AutoResponder"} < named
    assert named <= {*postmark.RECORD_TYPES, *postmark.BOUNCE_TYPES, *_CHANGES}


def test_b1_every_provider_of_events_is_compared() -> None:
    providers = {name[4:-8] for name in models() if re.fullmatch(r"stg_\w+__events", name)}
    assert providers == {*LET_IN, "postmark"}
