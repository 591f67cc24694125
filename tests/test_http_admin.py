"""The admin port: probes, and metrics that Prometheus can read and that move with load."""

import re
from collections import Counter

import pytest
from http_client import admin, environment, ledger, request, wire  # noqa: F401 (fixtures)

SAMPLE = re.compile(r'([a-z_]+)((?:\{(?:[a-z_]+="[^"\\\n]*",?)+\})?) (-?[0-9.e+-]+)')


def admin_port():
    return environment("TOKPAY_TEST_ADMIN", "the URL of its admin port")


def metrics(wire):
    """{series: value}, checked against the text format's grammar."""
    status, headers, body = wire(admin_port()).send(request("GET /metrics HTTP/1.1")).reply()
    assert (status, headers["Content-Type"]) == (200, "text/plain; version=0.0.4")
    assert body.endswith(b"\n")
    types, values = {}, {}
    for line in body.decode().splitlines():
        if line.startswith("# TYPE "):
            name, kind = line.split()[2:]
            assert name not in types and kind in ("counter", "gauge")
            types[name] = kind
        elif not line.startswith("# HELP "):
            name, labels, value = SAMPLE.fullmatch(line).groups()
            assert name in types and name + labels not in values
            assert (types[name] == "counter") == name.endswith("_total")
            values[name + labels] = float(value)
    return values


@pytest.mark.parametrize("method, path, status", [
    ("GET", "/livez", 200), ("GET", "/readyz", 200), ("GET", "/metrics", 200), ("GET", "/", 404), ("GET", "/v1/accounts", 404), ("POST", "/livez", 405),
])  # fmt: skip
def test_the_admin_port_answers_probes(wire, method, path, status):
    reply = wire(admin_port()).send(request(f"{method} {path} HTTP/1.1")).reply()
    assert reply[0] == status
    assert status != 405 or reply[1]["Allow"] == "GET"


def test_the_api_port_has_no_admin_paths(admin):
    assert [admin.get(path).status for path in ("/livez", "/readyz", "/metrics")] == [404] * 3


@pytest.mark.parametrize("family", ["mean_batch_size", "calls_total", "requests_total", "shed_total", "retried_total", "depth"])
def test_every_lane_has_its_series(wire, family):
    series = metrics(wire)
    for lane in ("read", "transfer", "funded_transfer", "statement"):
        assert series[f'tokpay_lane_{family}{{lane="{lane}"}}'] >= 0


def test_metrics_move_with_load(wire, admin, ledger):
    account, payee = ledger.open_accounts(3, 0)
    before = metrics(wire)
    connections = [wire() for _ in range(64)]
    for _ in range(10):
        for connection in connections:
            connection.send(request(f"GET /v1/accounts/{account}/balance HTTP/1.1", f"Authorization: Bearer {admin.key}"))
        assert Counter(connection.reply()[0] for connection in connections) == {200: 64}
    for _ in range(3):
        admin.transfer(account, [(payee, 1)], "again")
    admin.get("/nothing/here")
    after = metrics(wire)
    moved = {series: after[series] - before.get(series, 0) for series in after}
    assert moved['tokpay_http_responses_total{route="GET /v1/accounts/{id}/balance",status="2xx"}'] == 640
    assert moved['tokpay_http_responses_total{route="POST /v1/transfers",status="2xx"}'] == 3
    assert moved['tokpay_http_responses_total{route="none",status="4xx"}'] == 1
    assert moved["tokpay_idempotency_replays_total"] == 2
    assert moved['tokpay_lane_requests_total{lane="funded_transfer"}'] == 3
    assert moved['tokpay_lane_mean_batch_size{lane="read"}'] != 0
    reads, calls = (moved[f'tokpay_lane_{name}_total{{lane="read"}}'] for name in ("requests", "calls"))
    assert reads >= 640 and reads / calls > 1.5
    mean = after['tokpay_lane_requests_total{lane="read"}'] / after['tokpay_lane_calls_total{lane="read"}']
    assert abs(after['tokpay_lane_mean_batch_size{lane="read"}'] - mean) < 0.5
    assert after["tokpay_http_connections"] >= 64
    for connection in connections:
        connection.close()
    assert admin.get("/v1/accounts?limit=1").status == 200
    assert metrics(wire)["tokpay_http_connections"] < after["tokpay_http_connections"] - 32
