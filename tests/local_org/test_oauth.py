"""OAuth as Salesforce answers it: two grants, sessions that end."""

import base64
import json
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.local_org.caller import Caller

TOKEN = "/services/oauth2/token"
JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@pytest.fixture(scope="module")
def key_pair() -> tuple[str, str]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return private.decode(), public.decode()


def assertion(private: str, **changes: object) -> dict[str, str]:
    expires = datetime.now(UTC) + timedelta(minutes=3)
    claims = {
        "iss": "touchline-local",
        "sub": "rep@acme.example",
        "aud": "https://acme.my.salesforce.com",
        "exp": str(int(expires.timestamp())),
        **changes,
    }
    # PyJWT refuses to write an expiry as text; simple-salesforce builds its token by other means.
    token = jwt.api_jws.encode(json.dumps(claims).encode(), private, algorithm="RS256")
    return {"grant_type": JWT_GRANT, "assertion": token}


def test_client_credentials_come_as_basic_authorization(org: Caller) -> None:
    basic = base64.b64encode(b"touchline-local:touchline-local-secret").decode()
    reply = org.http.post(
        TOKEN,
        data={"grant_type": "client_credentials"},
        headers={"Authorization": f"Basic {basic}"},
    )
    assert reply.status_code == 200
    token = reply.json()
    assert token["token_type"] == "Bearer"
    assert token["instance_url"] == org.url
    assert {"access_token", "id", "issued_at", "signature", "scope"} <= set(token)


def test_client_credentials_come_as_form(org: Caller) -> None:
    form = {
        "grant_type": "client_credentials",
        "client_id": "touchline-local",
        "client_secret": "touchline-local-secret",
    }
    org.http.headers.pop("Authorization")
    assert org.http.post(TOKEN, data=form).status_code == 200


@pytest.mark.parametrize(
    ("form", "error", "description"),
    [
        (
            {"grant_type": "client_credentials", "client_id": "who"},
            "invalid_client_id",
            "client identifier invalid",
        ),
        (
            {"grant_type": "client_credentials", "client_id": "touchline-local"},
            "invalid_client",
            "invalid client credentials",
        ),
        ({"grant_type": "password"}, "unsupported_grant_type", "grant type not supported"),
        ({"grant_type": JWT_GRANT, "assertion": "x"}, "invalid_grant", "invalid assertion"),
    ],
)
def test_a_refusal_has_error_and_description(
    org: Caller, form: dict[str, str], error: str, description: str
) -> None:
    org.http.headers.pop("Authorization")
    reply = org.http.post(TOKEN, data=form)
    assert reply.status_code == 400
    assert reply.json() == {"error": error, "error_description": description}


def test_jwt_bearer_is_verified_against_the_registered_key(
    org: Caller, key_pair: tuple[str, str]
) -> None:
    private, public = key_pair
    org.admin("POST", "/apps", json={"public_key": public})
    reply = org.http.post(TOKEN, data=assertion(private))
    assert reply.status_code == 200
    org.http.headers["Authorization"] = f"Bearer {reply.json()['access_token']}"
    assert org.get("/limits").status_code == 200


def test_jwt_bearer_writes_as_its_user(org: Caller, key_pair: tuple[str, str]) -> None:
    private, public = key_pair
    org.admin("POST", "/apps", json={"public_key": public})
    token = org.http.post(TOKEN, data=assertion(private)).json()["access_token"]
    org.http.headers["Authorization"] = f"Bearer {token}"
    org.create("Campaign", {"Name": "Mine"})
    (campaign,) = org.query("select CreatedBy.Username from Campaign where Name = 'Mine'")
    assert campaign["CreatedBy"]["Username"] == "rep@acme.example"


@pytest.mark.parametrize(
    ("change", "description"),
    [
        ({"exp": "1000000000"}, "token validity expired"),
        ({"aud": "https://evil.example"}, "audience is invalid"),
        ({"sub": "otto@acme.example"}, "user hasn't approved this consumer"),
        ({"sub": "nobody@acme.example"}, "user hasn't approved this consumer"),
    ],
)
def test_a_jwt_that_is_not_right_is_refused(
    org: Caller, key_pair: tuple[str, str], change: dict[str, str], description: str
) -> None:
    private, public = key_pair
    org.admin("POST", "/apps", json={"public_key": public})
    reply = org.http.post(TOKEN, data=assertion(private, **change))
    assert reply.json() == {"error": "invalid_grant", "error_description": description}


def test_a_jwt_signed_by_somebody_else_is_refused(org: Caller, key_pair: tuple[str, str]) -> None:
    org.admin("POST", "/apps", json={"public_key": key_pair[1]})
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    reply = org.http.post(TOKEN, data=assertion(stranger.decode()))
    assert reply.json()["error_description"] == "invalid assertion"


def test_an_expired_session_gets_401_invalid_session_id(org: Caller) -> None:
    assert org.get("/limits").status_code == 200
    assert org.admin("POST", "/sessions/expire")["expired"] >= 1
    reply = org.get("/limits")
    assert reply.status_code == 401
    assert reply.json() == [
        {"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}
    ]
    org.sign_in()
    assert org.get("/limits").status_code == 200
