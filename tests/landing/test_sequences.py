"""Sequence platforms' records in the landing folder (A5): what is taken, and why others are not."""

from tests.landing.folder import Folder, lines

TABLE = "raw.sequence_records"

ENROLLMENT = {
    "record_type": "enrollment",
    "platform": "outreach",
    "id": 71,
    "sequence_id": 5,
    "platform_state": "active",
    "enrolled_at": "2026-10-05T06:00:00Z",
    "updated_at": "2026-10-05T08:46:10.123Z",
}
MESSAGE = {
    "record_type": "message",
    "platform": "salesloft",
    "id": 9001,
    "message_id": "<a1@mail.northlight.example>",
    "enrollment_id": "88123-2026-10-06",
    "sequence_id": 5,
    "mailbox": "mara@northlight.example",
    "to": "ana@copperfreight.example",
    "sent_at": "2026-10-05T04:46:10.482913-04:00",
}
TASK = {
    "record_type": "task",
    "platform": "outreach",
    "id": 440,
    "enrollment_id": 71,
    "type": "call",
    "updated_at": "2026-10-07T08:00:00Z",
}

REFUSED: tuple[tuple[object, str], ...] = (
    ({"platform": "outreach"}, "missing_key: record_type"),
    (ENROLLMENT | {"record_type": "prospect"}, "unknown_record_type: prospect"),
    (ENROLLMENT | {"platform_state": ""}, "missing_key: platform_state"),
    (ENROLLMENT | {"enrolled_at": None}, "missing_key: enrolled_at"),
    (ENROLLMENT | {"updated_at": "yesterday"}, "invalid_timestamp: updated_at"),
    (ENROLLMENT | {"updated_at": "2026-10-05T08:46:10"}, "invalid_timestamp: updated_at"),
    (ENROLLMENT | {"updated_at": "2026-02-30T08:46:10Z"}, "invalid_timestamp: updated_at"),
    (ENROLLMENT | {"updated_at": "9999-12-31T00:00:00Z"}, "invalid_timestamp: updated_at"),
    (ENROLLMENT | {"updated_at": 1_791_331_200}, "invalid_timestamp: updated_at"),
    (ENROLLMENT | {"replied_at": "never"}, "invalid_timestamp: replied_at"),
    (ENROLLMENT | {"reply_labels": "Positive"}, "invalid_value: reply_labels"),
    (ENROLLMENT | {"platform_counts": [1, 2]}, "invalid_value: platform_counts"),
    ({**MESSAGE, "message_id": None}, "missing_key: message_id"),
    (MESSAGE | {"step_number": 0}, "invalid_value: step_number"),
    (MESSAGE | {"step_number": "second"}, "invalid_value: step_number"),
    (MESSAGE | {"track_opens": "sometimes"}, "invalid_value: track_opens"),
    (MESSAGE | {"format": "rtf"}, "invalid_value: format"),
    ({**TASK, "enrollment_id": ""}, "missing_key: enrollment_id"),
    (TASK | {"due_on": "2026-10-32"}, "invalid_timestamp: due_on"),
    (["enrollment"], "not_an_object"),
)

NOT_ASKED = (
    # What a message needs is not asked of an enrollment, and the other way about.
    ENROLLMENT | {"sent_at": "never", "step_number": -1},
    TASK | {"sent_at": "never", "platform_state": None, "replied_at": "never"},
    MESSAGE | {"step_number": None, "track_opens": None, "updated_at": "never"},
    MESSAGE | {"step_number": "2", "track_clicks": "false", "format": "plain"},
)


def test_a_mixture_of_records_is_kept_as_the_platforms_wrote_it(folder: Folder) -> None:
    """A5, A8: fields that nobody reads as well."""
    records = [ENROLLMENT | {"platform_counts": {"openCount": 6}, "tags": ["x"]}, MESSAGE, TASK]
    folder.write("sequences/neutral/outreach/2026-10-05.ndjson", lines(records))
    part = folder.load().of("sequence_records")
    assert (part.files, part.rows, part.rejected) == (1, 3, 0)
    assert folder.payloads(TABLE) == records
    assert folder.places(TABLE) == [
        ("sequences/neutral/outreach/2026-10-05.ndjson", line, 0) for line in (1, 2, 3)
    ]


def test_the_platforms_own_shapes_stay_where_they_are(folder: Folder) -> None:
    folder.write("sequences/neutral/a.json", lines([ENROLLMENT]))
    folder.write("sequences/enrollments/b.json", lines([{"id": "e1"}]))
    folder.write("sequences/messages/c.json", lines([MESSAGE | {"message_id": "m1"}]))
    folder.load()
    counts = [
        folder.query(f"select count(*) from {table}")[0][0]
        for table in (TABLE, "raw.enrollments", "raw.messages")
    ]
    assert counts == [1, 1, 1]
    assert folder.rejects() == []


def test_a_record_that_cannot_be_used_is_refused_with_the_field_and_the_rest_loads(
    folder: Folder,
) -> None:
    """A8: the file's other records load."""
    records = [each for record, _ in REFUSED for each in ([record], TASK)]
    folder.write("sequences/neutral/a.ndjson", lines(records))
    folder.load()
    assert folder.rejects() == [
        (2 * number + 1, reason) for number, (_, reason) in enumerate(REFUSED)
    ]
    assert folder.payloads(TABLE) == [TASK] * len(REFUSED)


def test_only_the_fields_of_its_type_are_asked_of_a_record(folder: Folder) -> None:
    folder.write("sequences/neutral/a.ndjson", lines(NOT_ASKED))
    folder.load()
    assert folder.rejects() == []
    assert folder.payloads(TABLE) == list(NOT_ASKED)


def test_a_value_cannot_break_out_of_the_checks(folder: Folder) -> None:
    hostile = "x'); drop table raw.rejects; --{value}"
    folder.write("sequences/neutral/a.ndjson", lines([TASK | {"record_type": hostile}]))
    folder.load()
    assert folder.rejects() == [(1, f"unknown_record_type: {hostile}")]
