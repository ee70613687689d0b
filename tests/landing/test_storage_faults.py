"""What object storage does wrong: told in words that help, harmless to what is loaded (A8, A11)."""

import subprocess
import sys

import pytest

from orchestration.automation import landing_state
from orchestration.known_errors import known_names
from orchestration.landing.bucket_url import BucketUrl
from orchestration.landing.place import place_of
from orchestration.landing.storage_errors import StorageError
from orchestration.settings import PROJECT_ROOT
from tests.landing.folder import events
from tests.landing.stored import KEY, SECRET, Store

LONG = events(*range(20_000))


def test_a_body_that_breaks_off_is_gone_on_with_where_it_did(store: Store) -> None:
    store.put("sendgrid/a.ndjson", LONG)
    store.wire.cuts = [1_500_000, 700_000, 0]
    assert store.load().rows == 20_000
    assert len(store.wire.asked) == 5
    assert store.tables.query("select bytes from raw.loads") == [(len(LONG),)]


def test_an_object_replaced_while_it_is_gone_on_with_is_never_mixed(store: Store) -> None:
    store.put("sendgrid/a.ndjson", LONG)
    store.wire.cuts = [1_500_000]
    longer = LONG + events(20_000)

    def replace_before_the_second_request() -> None:
        if len(store.wire.asked) == 3:
            store.put("sendgrid/a.ndjson", longer)

    store.wire.meanwhile = replace_before_the_second_request
    assert store.load().files == 0
    assert store.load().rows == 20_001
    assert store.tables.rejects() == []


def test_a8_an_object_that_cannot_be_read_is_a_reject_until_it_can(store: Store) -> None:
    for number, name in enumerate(("broken", "denied", "archived", "fine")):
        store.put(f"sendgrid/{name}.ndjson", events(number))
    store.wire.refusals = {
        "archived.ndjson": (403, "InvalidObjectState"),
        "denied.ndjson": (403, "AccessDenied"),
        "fine.ndjson": (500, "InternalError"),
    }
    store.wire.cuts = [10, 5, 5, 5, 5]
    assert store.load().rejected == 4
    reasons = [reason.removeprefix("unreadable_file: ") for _, reason in store.tables.rejects()]
    assert reasons == [
        "InvalidObjectState, it is archived, restore it",
        "the connection broke off each time",
        "AccessDenied, grant s3:GetObject, and kms:Decrypt if a key of KMS encrypts it",
        "InternalError",
    ]
    del store.wire.refusals["fine.ndjson"]
    assert (store.load().rows, store.load().rejected) == (2, 0)
    store.wire.refusals = {}
    assert store.load().rows == 2
    assert sorted(store.tables.event_ids()) == [f"event-{number}" for number in range(4)]
    assert store.spooled() == []


@pytest.mark.parametrize(
    ("status", "code", "advice"),
    [
        (403, "AccessDenied", "Grant s3:ListBucket"),
        (403, "SignatureDoesNotMatch", "the credentials were refused"),
        (403, "InvalidAccessKeyId", "the credentials were refused"),
        (400, "ExpiredToken", "the credentials were refused"),
        (503, "SlowDown", "run again"),
    ],
)
def test_a_bucket_that_cannot_be_listed_is_told_with_what_to_do_and_no_secret(
    store: Store, status: int, code: str, advice: str
) -> None:
    store.wire.refusals = {"list-type": (status, code)}
    with pytest.raises(StorageError, match=rf"s3://.*/landing: .*{code}") as refusal:
        landing_state(store.place())
    assert advice in str(refusal.value)
    assert KEY not in str(refusal.value)
    assert SECRET not in str(refusal.value)


@pytest.mark.parametrize(("status", "code"), [(400, "ExpiredToken"), (503, "SlowDown")])
def test_what_concerns_every_object_ends_the_pass_and_makes_no_rejects(
    store: Store, status: int, code: str
) -> None:
    for name in ("a", "b", "c"):
        store.put(f"sendgrid/{name}.ndjson", events(ord(name)))
    store.wire.refusals = {"b.ndjson": (status, code)}
    with pytest.raises(StorageError, match=code):
        store.load(batch_files=1)
    assert len(store.tables.event_ids()) == 1
    store.wire.refusals = {}
    assert store.load().rows == 2
    assert store.tables.rejects() == []


def test_a_missing_bucket_is_told(store: Store) -> None:
    url = BucketUrl.of("s3://no-such-bucket/landing")
    with pytest.raises(StorageError, match=r"no such bucket. Mend TOUCHLINE_LANDING"):
        landing_state(place_of(url, store.tables.warehouse.path.parent))
    assert "StorageError" in known_names()


def test_missing_credentials_are_told(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    with pytest.raises(StorageError, match=r"no AWS credentials .* AWS_PROFILE"):
        landing_state(store.place())
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(StorageError, match=r"no AWS credentials .* AWS_PROFILE"):
        landing_state(store.place())


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:1", "nowhere", "http://"])
def test_no_answer_is_told(store: Store, monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    with pytest.raises(StorageError, match=r"no answer .* AWS_ENDPOINT_URL"):
        landing_state(store.place())


def test_a_full_disk_under_the_spool_is_told(store: Store) -> None:
    store.put("sendgrid/a.ndjson", events(1))
    data = store.tables.warehouse.path.parent
    data.mkdir()
    (data / "spool").write_text("no folder", encoding="utf-8")
    with pytest.raises(StorageError, match=r"could not be .* Make room"):
        store.load()


def test_what_reads_buckets_is_an_extra_and_is_named_when_it_is_missing() -> None:
    ask = (
        "import sys\n"
        "class Missing:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'botocore':\n"
        "            raise ModuleNotFoundError(name, name=name)\n"
        "sys.meta_path.insert(0, Missing())\n"
        "from pathlib import Path\n"
        "from orchestration.landing.bucket_url import BucketUrl\n"
        "from orchestration.landing.place import Folder, place_of\n"
        "assert isinstance(place_of(Path('landing'), Path()), Folder)\n"
        "place_of(BucketUrl.of('s3://logs'), Path())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", ask], capture_output=True, text=True, check=False, cwd=PROJECT_ROOT
    )
    assert "StorageError: s3://logs needs botocore" in done.stderr
    assert "touchline[s3]" in done.stderr
