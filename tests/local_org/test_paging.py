"""Pages of a query: nothing skipped, nothing repeated, whatever happens meanwhile."""

from tests.local_org.caller import API, Caller

SOQL = "select Id, LastName from Contact where Title = 'many' order by LastName"
SMALL = {"Sforce-Query-Options": "batchSize=200"}


def fill(org: Caller, count: int) -> None:
    for start in range(0, count, 200):
        numbers = range(start, min(start + 200, count))
        org.create("Contact", *({"LastName": f"{n:04}", "Title": "many"} for n in numbers))


def test_next_records_url_leads_through_all_records(org: Caller) -> None:
    fill(org, 450)
    page = org.get("/query/", params={"q": SOQL}, headers=SMALL).json()
    names, sizes = [], []
    while True:
        sizes.append(len(page["records"]))
        names += [record["LastName"] for record in page["records"]]
        assert page["totalSize"] == 450
        if page["done"]:
            break
        assert page["nextRecordsUrl"].startswith(f"{API}/query/01g")
        page = org.http.get(page["nextRecordsUrl"]).json()
    assert sizes == [200, 200, 50]
    assert names == [f"{number:04}" for number in range(450)]
    assert "nextRecordsUrl" not in page


def test_pages_hold_the_records_that_the_query_found(org: Caller) -> None:
    fill(org, 250)
    page = org.get("/query", params={"q": SOQL}, headers=SMALL).json()
    fill(org, 5)
    org.update("Contact", {"id": page["records"][0]["Id"], "Title": "none"})
    rest = org.http.get(page["nextRecordsUrl"]).json()
    assert [record["LastName"] for record in rest["records"]] == [
        f"{n:04}" for n in range(200, 250)
    ]


def test_query_all_pages_keep_deleted_records(org: Caller) -> None:
    fill(org, 201)
    last = org.ids(SOQL)[-1]
    org.http.delete(f"{API}/sobjects/Contact/{last}")
    page = org.get("/queryAll", params={"q": SOQL}, headers=SMALL).json()
    rest = org.http.get(page["nextRecordsUrl"]).json()
    assert [record["Id"] for record in rest["records"]] == [last]


def test_a_batch_size_is_kept_between_200_and_2000(org: Caller) -> None:
    fill(org, 210)
    tiny = {"Sforce-Query-Options": "batchSize=1"}
    assert len(org.get("/query", params={"q": SOQL}, headers=tiny).json()["records"]) == 200
    assert org.get("/query", params={"q": SOQL}).json()["done"] is True


def test_an_unknown_locator_is_refused(org: Caller) -> None:
    reply = org.get("/query/01gTL0000000zzzAAA-2000")
    assert reply.status_code == 400
    assert reply.json()[0]["errorCode"] == "INVALID_QUERY_LOCATOR"
