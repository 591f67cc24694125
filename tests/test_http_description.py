"""That gateway/openapi.json describes all there is, and that its check can fail."""

import json
import re

import api_description
import jsonschema
import pytest
from http_client import Client, admin, environment, ledger, request, wire  # noqa: F401 (fixtures)


# Of the web app, which a browser knows; test_http_pages.py is about them.
PAGES = {"GET /", "GET /app", "GET /app/{page}", "GET /{file}"}


def test_what_is_described_is_there_and_what_is_there_is_described(wire):
    nobody = Client()
    described = set()
    for path, operations in api_description.DOCUMENT["paths"].items():
        for method, operation in operations.items():
            described.add(f"{method.upper()} {path}")
            public = operation.get("security") == []
            target = re.sub("{[a-z]+}", "1", path)
            assert (nobody.request(method.upper(), target).status == 401) != public, path
    nobody.close()
    body = wire(environment("TOKPAY_TEST_ADMIN", "the URL of its admin port")).send(request("GET /metrics HTTP/1.1")).reply()[2].decode()
    assert set(re.findall(r'tokpay_http_responses_total\{route="([^"]+)"', body)) - {"none"} - PAGES == described


def test_it_is_served_as_it_is(ledger):
    nobody = Client()
    reply = nobody.get("/openapi.json")
    assert (reply.status, reply.body) == (200, api_description.FILE.read_bytes())
    nobody.close()


BALANCE = {"account": "1", "currency": "USD", "balance": 1, "held": 0, "available": 1, "version": 1}
JSON = {"Content-Type": "application/json", "ETag": '"1"', "TokPay-Epoch": "1.1.0"}
NOT_FOUND = {"type": "urn:problem-type:tokpay:not_found", "title": "Not found", "status": 404, "detail": "", "code": "not_found"}
NAMED = {"Content-Type": "application/problem+json", "X-Request-Id": "a-1"}


def without(members, name):
    return {other: value for other, value in members.items() if other != name}


@pytest.mark.parametrize("status, headers, body", [
    (201, JSON, BALANCE), (200, {**JSON, "Content-Type": "text/plain"}, BALANCE), (200, without(JSON, "ETag"), BALANCE),
    (200, without(JSON, "TokPay-Epoch"), BALANCE), (200, {**JSON, "TokPay-Epoch": "1.1"}, BALANCE),
    (200, JSON, {**BALANCE, "account": 1}), (200, JSON, {**BALANCE, "balance": 1.5}), (200, JSON, {**BALANCE, "balance": 1 << 63}),
    (200, JSON, without(BALANCE, "held")), (304, JSON, BALANCE),
    (404, NAMED, {"code": "not_found"}), (404, {**NAMED, "Content-Type": "application/json"}, NOT_FOUND),
    (404, {"Content-Type": "application/problem+json"}, NOT_FOUND), (404, {**NAMED, "X-Request-Id": "a.b"}, NOT_FOUND),
])  # fmt: skip
def test_a_reply_that_is_not_described_is_found_out(status, headers, body):
    path = "/v1/accounts/1/balance"
    api_description.check("GET", path, 200, JSON, json.dumps(BALANCE))
    api_description.check("GET", path, 404, NAMED, json.dumps(NOT_FOUND))
    with pytest.raises((AssertionError, jsonschema.ValidationError)):
        api_description.check("GET", path, status, headers, json.dumps(body))
