"""Alerts and the dashboard of gateway/monitoring: each alert fires when it should and not otherwise, and asks for what is exposed."""

import json
import re
import shutil
import subprocess
import urllib.request
from pathlib import Path

import pytest
from http_client import environment

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "gateway/monitoring"
METRIC = re.compile(r"\b(?:tokpay|process|patroni|etcd|pg|pgbackrest|probe|node)_[a-z_]+")
ONLY_OF_A_CLUSTER = {"tokpay_replication_lag_bytes"}

IN_A_CLUSTER = [('tokpay_leader{instance="a",member="m1"}', '1x40'), ('tokpay_leader{instance="a",member="m2"}', '0x40')]
SCRAPED = [('patroni_postgres_running{instance="a"}', '1x40'), ('etcd_server_has_leader{instance="a"}', '1x40'),
           ('pg_stat_archiver_last_archive_age{instance="a"}', '9x40'), ('pgbackrest_stanza_status{stanza="s"}', '0x40')]  # fmt: skip

# Alert; series with which it fires after ten minutes of a sample each 15 s; series with which it does not. Those of a process that
# has just begun start with _, those of one that is gone end with stale.
CASES = [
    ('TokPayNotReady',
     [('tokpay_ready{instance="a"}', '1x20 0x20'), ('tokpay_leader{instance="a",member="m1"}', '1x40')],
     [('tokpay_ready{instance="a"}', '1x20 0 1x20')]),
    ('TokPayNotScraped',
     [('tokpay_ready{instance="a"}', '1x20 stale')],
     [('tokpay_ready{instance="a"}', '1x20 stale'), ('tokpay_ready{instance="b"}', '_x20 0x20')]),
    ('TokPayNotScraped', [('tokpay_leader{instance="a",member="m1"}', '1x40')], [('tokpay_ready{instance="a"}', '1x40')]),
    ('TokPayTargetDown',
     [('up{job="tokpay",instance="a"}', '1x20 0x20'), ('up{job="node",instance="a"}', '1x40')],
     [('up{job="tokpay",instance="a"}', '0x20 1x20'), ('up{job="other",instance="a"}', '0x40')]),
    ('TokPayFileSystemNearlyFull',
     [('node_filesystem_avail_bytes{instance="a",mountpoint="/",fstype="ext4"}', '9x40'), ('node_filesystem_size_bytes{instance="a",mountpoint="/",fstype="ext4"}', '100x40')],
     [('node_filesystem_avail_bytes{instance="a",mountpoint="/",fstype="ext4"}', '10x40'), ('node_filesystem_size_bytes{instance="a",mountpoint="/",fstype="ext4"}', '100x40'),
      ('node_filesystem_avail_bytes{instance="a",mountpoint="/run",fstype="tmpfs"}', '0x40'), ('node_filesystem_size_bytes{instance="a",mountpoint="/run",fstype="tmpfs"}', '100x40')]),
    ('TokPayClusterNotScraped', [*IN_A_CLUSTER, *SCRAPED[1:]], [*IN_A_CLUSTER, *SCRAPED]),
    ('TokPayClusterNotScraped', [*IN_A_CLUSTER, *SCRAPED[:1], *SCRAPED[2:]], IN_A_CLUSTER[:1]),
    ('TokPayClusterNotScraped', [*IN_A_CLUSTER, *SCRAPED[:2], *SCRAPED[3:]], []),
    ('TokPayClusterNotScraped', [*IN_A_CLUSTER, *SCRAPED[:3], ('pgbackrest_stanza_status{stanza="s"}', '0x20 stale')], []),
    ('TokPayNoLeader',
     [('tokpay_leader{instance="a",member="m1"}', '0x40'), ('tokpay_leader{instance="a",member="m2"}', '0x40')],
     [('tokpay_leader{instance="a",member="m1"}', '0x40'), ('tokpay_leader{instance="a",member="m2"}', '1x40')]),
    ('TokPayLeaderChanged',
     [('tokpay_failovers_total{instance="a"}', '1x20 2x20')],
     [('tokpay_failovers_total{instance="a"}', '1x40')]),
    ('TokPayIncarnationsDiffer',
     [('tokpay_epoch{instance="a",part="incarnation"}', '1x40'), ('tokpay_epoch{instance="b",part="incarnation"}', '2x40')],
     [('tokpay_epoch{instance="a",part="incarnation"}', '2x40'), ('tokpay_epoch{instance="b",part="incarnation"}', '2x40'), ('tokpay_epoch{instance="b",part="timeline"}', '5x40')]),
    ('TokPayReplicationLag',
     [('tokpay_replication_lag_bytes{instance="a"}', '67108865x40')],
     [('tokpay_replication_lag_bytes{instance="a"}', '67108864x40')]),
    ('TokPayReplicationLagGrows',
     [('tokpay_replication_lag_bytes{instance="a"}', '1000+1000x40')],
     [('tokpay_replication_lag_bytes{instance="a"}', '1000 2000 0 1000 500 0 700 0x33')]),
    ('TokPayOutcomeUnknown',
     [('tokpay_outcomes_unknown_total{instance="a"}', '_x30 0x5 1x5')],
     [('tokpay_outcomes_unknown_total{instance="a"}', '3x20 0x20')]),
    ('TokPayErrors',
     [('tokpay_http_responses_total{instance="a",route="r",status="5xx"}', '0+2x40'), ('tokpay_http_responses_total{instance="a",route="r",status="2xx"}', '0+98x40')],
     [('tokpay_http_responses_total{instance="a",route="r",status="5xx"}', '0+1x40'), ('tokpay_http_responses_total{instance="a",route="r",status="2xx"}', '0+99x40')]),
    ('TokPayErrors',
     [('tokpay_http_responses_total{instance="a",route="r",status="5xx"}', '_x20 0x8 9x12'), ('tokpay_http_responses_total{instance="a",route="r",status="2xx"}', '_x20 0x20')],
     [('tokpay_http_responses_total{instance="a",route="r",status="5xx"}', '_x20 0x20'), ('tokpay_http_responses_total{instance="a",route="r",status="2xx"}', '_x20 0x20')]),
    ('TokPayShedding',
     [('tokpay_lane_shed_total{instance="a",lane="read"}', '0+1x40')],
     [('tokpay_lane_shed_total{instance="a",lane="read"}', '7x40')]),
    ('TokPaySlow',
     [('tokpay_lane_call_duration_seconds_bucket{instance="a",lane="transfer",le="1"}', '0+90x40'), ('tokpay_lane_call_duration_seconds_bucket{instance="a",lane="transfer",le="2"}', '0+100x40'), ('tokpay_lane_call_duration_seconds_bucket{instance="a",lane="transfer",le="+Inf"}', '0+100x40')],
     [('tokpay_lane_call_duration_seconds_bucket{instance="a",lane="transfer",le="1"}', '0+100x40'), ('tokpay_lane_call_duration_seconds_bucket{instance="a",lane="transfer",le="+Inf"}', '0+100x40')]),
    ('TokPayLogLost',
     [('tokpay_log_dropped_lines_total{instance="a",reason="full"}', '0+1x40')],
     [('tokpay_log_dropped_lines_total{instance="a",reason="flood"}', '0+1x40')]),
    ('TokPayNoSynchronousStandby',
     [('patroni_sync_standby{instance="a",scope="tokpay"}', '0x40'), ('patroni_sync_standby{instance="b",scope="tokpay"}', '0x40')],
     [('patroni_sync_standby{instance="a",scope="tokpay"}', '0x40'), ('patroni_sync_standby{instance="b",scope="tokpay"}', '1x40')]),
    ('TokPayDatabaseDown',
     [('patroni_postgres_running{instance="a"}', '0x40')],
     [('patroni_postgres_running{instance="a"}', '1x40')]),
    ('TokPayWithoutEtcd',
     [('etcd_server_has_leader{instance="a"}', '0x40')],
     [('etcd_server_has_leader{instance="a"}', '1x40'), ('patroni_failsafe_mode_is_active{instance="b"}', '0x40')]),
    ('TokPayWithoutEtcd',
     [('patroni_failsafe_mode_is_active{instance="a"}', '1x40')],
     []),
    ('TokPayEtcdLarge',
     [('etcd_mvcc_db_total_size_in_bytes{instance="a"}', '1073741825x40')],
     [('etcd_mvcc_db_total_size_in_bytes{instance="a"}', '1073741824x40')]),
    ('TokPaySlotLost',
     [('pg_replication_slot_wal_status{slot_name="s",wal_status="lost"}', '1x40')],
     [('pg_replication_slot_wal_status{slot_name="s",wal_status="reserved"}', '1x40')]),
    ('TokPaySlotNearlyLost',
     [('pg_replication_slot_safe_wal_size_bytes{slot_name="s"}', '1073741823x40')],
     [('pg_replication_slot_safe_wal_size_bytes{slot_name="s"}', '1073741824x40')]),
    ('TokPayArchiveStands',
     [('pg_stat_archiver_last_archive_age{instance="a"}', '301x40')],
     [('pg_stat_archiver_last_archive_age{instance="a"}', '300x40'), ('pg_stat_archiver_failed_count{instance="a"}', '3x40')]),
    ('TokPayArchiveStands',
     [('pg_stat_archiver_failed_count{instance="a"}', '0x30 1x10')],
     []),
    ('TokPayBackupOld',
     [('pgbackrest_backup_since_last_completion_seconds{backup_type="incr",stanza="s"}', '172801x40'), ('pgbackrest_stanza_status{stanza="s"}', '0x40')],
     [('pgbackrest_backup_since_last_completion_seconds{backup_type="incr",stanza="s"}', '172800x40'), ('pgbackrest_backup_since_last_completion_seconds{backup_type="full",stanza="s"}', '500000x40'), ('pgbackrest_stanza_status{stanza="s"}', '0x40')]),
    ('TokPayBackupOld',
     [('pgbackrest_stanza_status{stanza="s"}', '2x40')],
     []),
    ('TokPayCertificateEnds',
     [('probe_ssl_earliest_cert_expiry{instance="a"}', '1209600x40')],
     [('probe_ssl_earliest_cert_expiry{instance="a"}', '3456000x40')]),
]


def promtool(*arguments):
    program = shutil.which("promtool") or ROOT / "build/promtool"
    done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def fires(alert, series, expected):
    return {
        "interval": "15s",
        "input_series": [{"series": name, "values": values} for name, values in series],
        "promql_expr_test": [{
            "expr": f'count(ALERTS{{alertname="{alert}", alertstate="firing"}})',
            "eval_time": "10m",
            "exp_samples": [{"labels": "{}", "value": 1}] if expected else [],
        }],
    }


def queries():
    dashboard = json.loads((FOLDER / "dashboard.json").read_text())
    return [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]


def asked_for():
    """Metrics of rules and dashboard; a histogram's parts are its family."""
    text = "\n".join(re.findall(r"expr: (.*?)\n +(?:for|labels):", (FOLDER / "rules.yml").read_text(), re.DOTALL) + queries())
    return {re.sub("_(bucket|count|sum)$", "", name) if name.startswith("tokpay_") else name for name in METRIC.findall(text)}


def test_the_rules_are_well_formed():
    promtool("check", "rules", str(FOLDER / "rules.yml"))


def test_each_alert_fires_when_it_should_and_not_otherwise(tmp_path):
    tests = [fires(alert, series, expected) for alert, bad, good in CASES for series, expected in ((bad, True), (good, False)) if series]
    path = tmp_path / "tests.json"
    path.write_text(json.dumps({"rule_files": [str(FOLDER / "rules.yml")], "evaluation_interval": "15s", "tests": tests}))
    promtool("test", "rules", str(path))


def test_every_alert_has_a_case():
    assert set(re.findall(r"alert: (\w+)", (FOLDER / "rules.yml").read_text())) == {alert for alert, _, _ in CASES}


def test_every_alert_has_a_row_in_a_runbook_and_every_row_an_alert():
    named = re.findall(r'alert: (\w+)\n.*?\n +runbook: "(.+?): (\w+)"\n', (FOLDER / "rules.yml").read_text(), re.DOTALL)
    assert {alert for alert, _, _ in named} == {alert for alert, _, _ in CASES} and all(alert == row for alert, _, row in named)
    rows = {(alert, file) for file in ("gateway/monitoring/README.md", "patroni/README.md")
            for alert in re.findall(r"^\| `(TokPay\w+)` \|.* `.+` .*\| .+ \|$", (ROOT / file).read_text(), re.MULTILINE)}  # fmt: skip
    assert rows == {(alert, file) for alert, file, _ in named}


def test_the_dashboards_queries_can_be_read(tmp_path):
    rules = [{"record": f"query:{number}", "expr": query.replace("$__rate_interval", "5m")} for number, query in enumerate(queries())]
    path = tmp_path / "queries.json"
    path.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    promtool("check", "rules", "--lint=none", str(path))


def test_the_gateway_exposes_its_part_of_what_is_asked_for():
    url = environment("TOKPAY_TEST_ADMIN", "the URL of its admin port") + "/metrics"
    with urllib.request.urlopen(url, timeout=20) as reply:
        exposed = set(re.findall(r"^# TYPE (\S+)", reply.read().decode(), re.MULTILINE))
    own = {name for name in asked_for() if name.startswith(("tokpay_", "process_"))}
    assert len(own) > 10
    assert own - exposed <= ONLY_OF_A_CLUSTER


@pytest.mark.parametrize("name", sorted(name for name in asked_for() if not name.startswith(("tokpay_", "process_"))))
def test_the_readme_tells_where_other_metrics_come_from(name):
    assert f"`{name}`" in (FOLDER / "README.md").read_text()
