"""The admin port: probes, and metrics that Prometheus can read and that move with load."""

import contextlib
import re
import threading
import time
from collections import Counter

import api_description
import psycopg2
import pytest
from gateway_process import GatewayProcess, eventually, gateway, metric, settings_file  # noqa: F401 (fixture)
from http_client import Client, admin, environment, ledger, request, wire  # noqa: F401 (fixtures)

SAMPLE = re.compile(r'([a-z_]+)(?:\{((?:[a-z_]+="[^"\\\n]*",?)+)\})? ([0-9.e+-]+)')
LABEL = re.compile(r'([a-z_]+)="([^"\\\n]*)"(?:,|$)')
ROUTE = "GET /v1/accounts/{id}/balance"
LANES = ("read", "transfer", "funded_transfer", "statement", "credential")


def admin_port():
    return environment("TOKPAY_TEST_ADMIN", "the URL of its admin port")


def check_histogram(name, samples):
    """samples: [(suffix, labels, value)]. For each set of labels buckets that rise to +Inf, which is the count, and a sum between their bounds."""
    by_labels = {}
    for suffix, labels, value in samples:
        rest = tuple((label, text) for label, text in labels if label != "le")
        by_labels.setdefault(rest, []).append((suffix, dict(labels).get("le"), value))
    for labels, series in by_labels.items():
        assert [suffix for suffix, _, _ in series] == ["_bucket"] * (len(series) - 2) + ["_sum", "_count"], (name, labels)
        bounds = [float(bound) for _, bound, _ in series[:-2]]
        counts = [value for _, _, value in series[:-2]]
        total, count = series[-2][2], series[-1][2]
        assert bounds == sorted(set(bounds)) and series[-3][1] == "+Inf"
        assert counts == sorted(counts) and counts[-1] == count
        each = [count - before for count, before in zip(counts, [0, *counts])]
        least = sum(number * bound for number, bound in zip(each, [0, *bounds]))
        assert total >= least, (name, labels)
        assert each[-1] or total <= sum(number * bound for number, bound in zip(each[:-1], bounds[:-1])), (name, labels)


def metrics(wire, port=None):
    """{series: value}, checked against the text format's grammar: a family's HELP, TYPE and samples stand together, once."""
    status, headers, body = wire(port or admin_port()).send(request("GET /metrics HTTP/1.1")).reply()
    assert (status, headers["Content-Type"]) == (200, "text/plain; version=0.0.4")
    assert body.endswith(b"\n")
    families, values, helped = {}, {}, None
    for line in body.decode().splitlines():
        if line.startswith("# HELP "):
            helped = line.split()[2]
            assert helped not in families
        elif line.startswith("# TYPE "):
            family, kind = line.split()[2:]
            assert family == helped and kind in ("counter", "gauge", "histogram")
            families[family] = kind, []
        else:
            name, text, value = SAMPLE.fullmatch(line).groups()
            labels = LABEL.findall(text or "")
            assert len(set(dict(labels))) == len(labels)
            suffix = name.removeprefix(family)
            assert name.startswith(family) and suffix in (("_bucket", "_sum", "_count") if kind == "histogram" else ("",)), line
            assert (kind == "counter") == name.endswith("_total")
            series = name + (f"{{{text}}}" if text else "")
            assert series not in values
            values[series] = float(value)
            families[family][1].append((suffix, labels, float(value)))
    for family, (kind, samples) in families.items():
        if kind == "histogram":
            check_histogram(family, samples)
    return values


def moved(before, after):
    """What has changed, by how much."""
    return {series: value - before.get(series, 0) for series, value in after.items() if value != before.get(series, 0)}


@pytest.mark.parametrize("method, path, status", [
    ("GET", "/livez", 200), ("GET", "/readyz", 200), ("GET", "/metrics", 200), ("GET", "/", 404), ("GET", "/v1/accounts", 404), ("POST", "/livez", 405),
])  # fmt: skip
def test_the_admin_port_answers_probes(wire, method, path, status):
    reply = wire(admin_port()).send(request(f"{method} {path} HTTP/1.1")).reply()
    assert reply[0] == status
    assert status != 405 or reply[1]["Allow"] == "GET"


def test_the_api_port_has_no_admin_paths(admin):
    assert [admin.get(path).status for path in ("/livez", "/readyz", "/metrics")] == [404] * 3


@pytest.mark.parametrize("family", ["calls_total", "requests_total", "shed_total", "retried_total", "depth", "batch_size_count", "call_duration_seconds_count"])
def test_every_lane_has_its_series(wire, family):
    series = metrics(wire)
    for lane in LANES:
        assert series[f'tokpay_lane_{family}{{lane="{lane}"}}'] >= 0


def test_metrics_move_with_load(gateway, wire, ledger):
    api = gateway()
    account, payee = ledger.open_accounts(3, 0)
    admin = Client(ledger.api_key("admin"), api.url)
    before = metrics(wire, api.admin_url)
    connections = [wire(api.url) for _ in range(64)]
    for _ in range(10):
        for connection in connections:
            connection.send(request(f"GET /v1/accounts/{account}/balance HTTP/1.1", f"Authorization: Bearer {admin.key}"))
        assert Counter(connection.reply()[0] for connection in connections) == {200: 64}
    for _ in range(3):
        admin.transfer(account, [(payee, 1)], "again")
    admin.get("/nothing/here")
    after = metrics(wire, api.admin_url)
    change = moved(before, after)
    assert change[f'tokpay_http_responses_total{{route="{ROUTE}",status="2xx"}}'] == 640
    assert change['tokpay_http_responses_total{route="POST /v1/transfers",status="2xx"}'] == 3
    assert change['tokpay_http_responses_total{route="none",status="4xx"}'] == 1
    assert change["tokpay_idempotency_replays_total"] == 2
    assert change['tokpay_lane_requests_total{lane="funded_transfer"}'] == 3
    reads, calls = (change[f'tokpay_lane_{name}_total{{lane="read"}}'] for name in ("requests", "calls"))
    assert reads >= 640 and calls < reads
    assert after["tokpay_http_connections"] >= 64
    for connection in connections:
        connection.close()
    assert admin.get("/v1/accounts?limit=1").status == 200
    eventually(lambda: metrics(wire, api.admin_url)["tokpay_http_connections"] < after["tokpay_http_connections"] - 32, 10, "the end of connections")


def test_histograms_show_exactly_what_was_done(gateway, wire, ledger):
    api = gateway()
    account, payee = ledger.open_accounts(100, 0)
    client = Client(ledger.api_key("admin"), api.url)
    begun = time.monotonic()
    before = metrics(wire, api.admin_url)
    for _ in range(7):
        client.get(f"/v1/accounts/{account}/balance")
    for key, amount in (("a", 1), ("a", 1), ("b", 1), ("c", 1000)):
        client.transfer(account, [(payee, amount)], key)
    client.get(f"/v1/accounts/{1 << 60}/balance")
    Client(url=api.url).get("/v1/me")
    after = metrics(wire, api.admin_url)
    elapsed = time.monotonic() - begun
    change = moved(before, after)
    done = {
        (ROUTE, 200): 7, (ROUTE, 404): 1, ("POST /v1/transfers", 201): 2, ("POST /v1/transfers", 200): 1,
        ("POST /v1/transfers", 422): 1, ("GET /v1/me", 401): 1,
    }  # fmt: skip
    family = "tokpay_http_request_duration_seconds"
    counts = {series: value for series, value in change.items() if series.startswith(family + "_count")}
    assert counts == {f'{family}_count{{route="{route}",code="{code}"}}': number for (route, code), number in done.items()}
    sums = [value for series, value in change.items() if series.startswith(family + "_sum")]
    assert len(sums) == len(done) and all(value > 0 for value in sums) and sum(sums) <= elapsed
    # One after another, so each of them is a call.
    assert change['tokpay_lane_batch_size_bucket{lane="funded_transfer",le="1"}'] == 4
    for name in ("batch_size_count", "batch_size_sum", "calls_total", "requests_total", "call_duration_seconds_count"):
        assert change[f'tokpay_lane_{name}{{lane="funded_transfer"}}'] == 4, name
        assert change[f'tokpay_lane_{name}{{lane="read"}}'] == 8, name
    assert 0 < change['tokpay_lane_call_duration_seconds_sum{lane="funded_transfer"}'] <= elapsed
    assert not any(series.startswith("tokpay_lane_") and 'lane="transfer"' in series for series in change)
    client.close()


def test_calls_that_wait_aside_for_a_lock_are_in_the_histograms(gateway, wire, ledger):
    api = gateway(threads=1)
    account, payee = ledger.open_accounts(100, 0)
    client = Client(ledger.api_key("admin"), api.url)
    before = metrics(wire, api.admin_url)
    locker = psycopg2.connect(environment("TOKPAY_TEST_PG_URL", "a superuser's connection URI of the test server"), dbname="tokpay")
    locker.cursor().execute("select tokpay.transfer(%s, array[%s]::bigint[], array[1]::bigint[])", [account, payee])
    replies = []
    transfer = threading.Thread(target=lambda: replies.append(client.transfer(account, [(payee, 1)])))
    transfer.start()
    calls, durations = (f'tokpay_lane_{name}_count{{lane="funded_transfer"}}' for name in ("batch_size", "call_duration_seconds"))
    eventually(lambda: moved(before, metrics(wire, api.admin_url)).get(calls, 0) >= 2, 20, "a call aside")
    locker.close()
    transfer.join()
    change = moved(before, metrics(wire, api.admin_url))
    assert replies[0].status == 201 and change[durations] == change[calls] >= 2
    client.close()


def test_the_process_tells_its_version_and_since_when_it_runs(gateway, wire):
    begun = time.time()
    api = gateway()
    series = metrics(wire, api.admin_url)
    assert series[f'tokpay_build_info{{version="{api_description.DOCUMENT["info"]["version"]}"}}'] == 1
    assert begun - 0.001 <= series["process_start_time_seconds"] <= time.time()
    assert series["tokpay_ready"] == 1
    assert series['tokpay_log_dropped_lines_total{reason="full"}'] == series['tokpay_log_dropped_lines_total{reason="flood"}'] == 0


@pytest.mark.parametrize("setting, old, new, said", [
    ("database", ":[^:@]+@", ":wrong@", ": setting database, user {user}: connection to server"),
    ("admin-database", ":[^:@]+@", ":wrong@", ": setting admin-database, user {user}: connection to server"),
    ("database", "host=.*", "host={server.host}&port={server.port}&options=-c%20default_transaction_read_only%3Don", "its transactions are read-only"),
], ids=["password", "administrator's password", "read-only"])  # fmt: skip
def test_it_is_not_ready_while_no_request_can_succeed(tmp_path, setting, old, new, said):
    text = settings_file().read_text()
    uri, user = re.search(f"^{setting} = (.*//(.*?):.*)$", text, re.M).groups()
    with contextlib.closing(psycopg2.connect(environment("TOKPAY_TEST_PG_URL", "a superuser's connection URI of the test server"))) as server:
        changed = re.sub(old, new.format(server=server.info), uri)
    path = tmp_path / "gateway.conf"
    path.write_text(text.replace(f"{setting} = {uri}", f"{setting} = {changed}"))
    api = GatewayProcess(config=path, is_ready=False)
    try:
        eventually(lambda: said.format(user=user) in "".join(api.log), 10, said)
        time.sleep(1)
        assert not api.answers("/readyz") and metric(api, "tokpay_ready") == 0
    finally:
        api.stop()
