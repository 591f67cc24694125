"""A container on the cluster's network without any of its secrets gets nowhere. Needs the running cluster."""

import contextlib
import os
import subprocess

import pytest
from cluster import MACHINES, Cluster, run

# What listens for others on a machine: gateway and its admin port, PgBouncer, PostgreSQL, Patroni, pgBackRest, etcd.
OPEN_PORTS = {8080, 9090, 6432, 5432, 8008, 8432, 2379, 2380}
# An authority of the outsider's own, and certificates with the names that the cluster trusts.
FORGE = """
cd /tmp && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout ca.key -out ca.crt -days 1 -subj /CN=forged &&
for name in machine1 replicator backup; do
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout $name.key -out $name.csr -subj /CN=$name &&
    openssl x509 -req -in $name.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 1 -out $name.crt || exit 1
done
chmod 600 *.key
"""
FORGED_CLIENT = "--cert /tmp/machine1.crt --key /tmp/machine1.key"


@pytest.fixture(scope="module")
def cluster():
    return Cluster(os.environ.get("RUN_DIR", ".run"))


@pytest.fixture(scope="module")
def outsider(cluster):
    """Runs a shell command on the cluster's network; its exit status and everything it said."""
    network, addresses = cluster.network()
    hosts = [f"--add-host=machine{machine}:{addresses[machine]}" for machine in MACHINES]
    hosts.append("--add-host=backup:" + cluster.inspect(0, "backup", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"))
    command = ["docker", "run", "--rm", "--detach", "--network", network, *hosts, "--entrypoint", "sleep", cluster.image("db"), "600"]
    container = run(*command).strip()

    def attempt(command):
        done = subprocess.run(
            ["docker", "exec", container, "timeout", "20", "sh", "-c", command], capture_output=True, text=True, check=False, timeout=60
        )
        return done.returncode, done.stdout + done.stderr

    try:
        assert attempt(FORGE)[0] == 0
        yield attempt
    finally:
        run("docker", "rm", "--force", container)


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("with_what", ["", FORGED_CLIENT], ids=["no certificate", "forged certificate"])
def test_etcd_serves_no_stranger(outsider, machine, with_what):
    address = f"--endpoints https://machine{machine}:2379 --insecure-skip-tls-verify --command-timeout 3s"
    for command in ("get --prefix /", "put /patroni/tokpay/leader machine9", "member list"):
        status, said = outsider(f"etcdctl {address} {with_what} {command}")
        assert status != 0 and "tokpay" not in said.replace("/patroni/tokpay/leader", ""), said


@pytest.mark.parametrize("port", [2379, 2380, 8008])
def test_what_needs_tls_takes_no_plain_http(outsider, port):
    status, said = outsider(f"curl -sS -m 5 http://machine1:{port}/version -o /tmp/answer -w '%{{http_code}}'")
    assert status != 0 or said.endswith("400"), said


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("with_what", ["", FORGED_CLIENT], ids=["no certificate", "forged certificate"])
@pytest.mark.parametrize("request_line", ["/cluster", "/config", "-X POST -d {} /switchover", "-X POST -d {} /restart"])
def test_patroni_answers_no_stranger(outsider, machine, with_what, request_line):
    *options, path = request_line.split()
    status, said = outsider(f"curl -sS -k -m 5 {with_what} {' '.join(options)} https://machine{machine}:8008{path}")
    assert status != 0 and "machine" not in said.replace(f"machine{machine}", ""), said


@pytest.mark.parametrize("user", ["postgres", "replicator", "rewinder", "tokpay_gateway_admin", "teller"])
@pytest.mark.parametrize("parameters", ["sslmode=disable", "sslmode=require", "sslmode=require sslcert=/tmp/replicator.crt sslkey=/tmp/replicator.key"])
def test_postgresql_lets_no_stranger_in(outsider, user, parameters):
    for database in ("dbname=postgres", "dbname=tokpay", "dbname=postgres replication=true"):
        status, said = outsider(f"PGPASSWORD=guess psql 'host=machine1 user={user} {database} {parameters}' -c 'select 1'")
        assert status != 0 and "FATAL" in said or "alert" in said or "SSL error" in said, said


def test_the_replication_password_alone_opens_nothing(outsider, cluster):
    address = "host=machine1 user=replicator dbname=postgres replication=true sslmode=require"
    status, said = outsider(f"PGPASSWORD={cluster.password('replicator')} psql '{address}' -c 'IDENTIFY_SYSTEM'")
    assert status != 0 and "certificate" in said, said


@pytest.mark.parametrize("user", ["postgres", "pgbouncer", "tokpay_gateway_admin", "teller"])
def test_the_pool_wants_tls_and_a_password(outsider, user):
    for database in ("tokpay", "pgbouncer"):
        status, said = outsider(f"PGPASSWORD=guess psql 'host=machine1 port=6432 user={user} dbname={database} sslmode=require' -c 'show users'")
        assert status != 0, said
    status, said = outsider(f"PGPASSWORD=guess psql 'host=machine1 port=6432 user={user} dbname=tokpay sslmode=disable' -c 'select 1'")
    assert status != 0 and "SSL required" in said, said


def test_the_repository_opens_for_no_stranger(outsider, cluster):
    """Not even for one who has the authority's certificate, which is no secret, so that the server's is believed."""
    authority = (cluster.run_dir / "cluster/secrets/backup-ca.crt").read_text()
    outsider(f"echo '{authority}' >/tmp/backup-ca.crt")
    options = "--stanza=tokpay --repo1-host=backup --repo1-host-type=tls --repo1-host-port=8432 --repo1-host-ca-file=/tmp/backup-ca.crt"
    for certificate in ("backup", "machine1"):
        options += f" --repo1-host-cert-file=/tmp/{certificate}.crt --repo1-host-key-file=/tmp/{certificate}.key"
        status, said = outsider(f"pgbackrest {options} repo-ls")
        assert status != 0 and "unable to verify" not in said, said
        options = options.rsplit(" --repo1-host-cert-file", 1)[0]


@pytest.mark.parametrize("address", ["machine1:8080", "machine2:8080", "machine3:8080"])
def test_the_api_wants_credentials(outsider, address):
    for path in ("/v1/accounts", "/v1/accounts/1/balance", "/v1/transfers/1"):
        assert outsider(f"curl -s -m 10 -o /tmp/answer -w '%{{http_code}}' http://{address}{path}")[1] == "401"
        assert outsider(f"curl -s -m 10 -H 'Authorization: Bearer guess' -o /tmp/answer -w '%{{http_code}}' http://{address}{path}")[1] == "401"


def test_nothing_else_listens(cluster):
    """Sockets in LISTEN, by the kernel's own table of each machine's network."""
    for machine in MACHINES:
        ports = set()
        for table, loopback in (("tcp", "0100007F"), ("tcp6", "0" * 24 + "01000000")):
            for line in cluster.in_network(machine, "cat", f"/proc/net/{table}").splitlines()[1:]:
                address, port = line.split()[1].split(":")
                if line.split()[3] == "0A" and address != loopback and not address.endswith("00007F"):
                    ports.add(int(port, 16))
        # Docker's resolver is on a loopback address, and so are 127.0.0.0/8's others.
        assert ports == OPEN_PORTS


def test_secrets_are_readable_by_their_owner_alone(cluster):
    for file in (cluster.run_dir / "cluster").rglob("*"):
        if file.is_file():
            assert file.stat().st_mode & 0o077 == 0, file
    assert (cluster.run_dir / "cluster-api-key").stat().st_mode & 0o777 == 0o600


def test_no_image_holds_a_secret(cluster):
    for part in ("etcd", "db", "pool", "gateway"):
        words = ["--rm", "--network", "none", "--entrypoint", "find", cluster.image(part), "/etc/tokpay", "/run/settings", "-type", "f"]
        assert subprocess.run(["docker", "run", *words], capture_output=True, text=True, check=False, timeout=60).stdout == ""


@pytest.mark.parametrize("part", ["etcd", "db", "pool", "gateway"])
def test_processes_have_no_privileges(cluster, part):
    """All that the first process, docker-init, has started; what Docker runs beside it, health checks, is left out."""
    for machine in MACHINES:
        first = cluster.pid(machine, part)
        processes = [line.split() for line in run("docker", "top", cluster.names[machine, part], "-eo", "pid,ppid").splitlines()[1:]]
        family = {first}
        for _ in processes:
            family |= {int(pid) for pid, parent in processes if int(parent) in family}
        for pid in family - {first}:
            with contextlib.suppress(FileNotFoundError), open(f"/proc/{pid}/status", encoding="ascii") as file:
                status = dict(entry.split(":\t", 1) for entry in file.read().splitlines() if ":\t" in entry)
                assert status["Uid"].split()[0] != "0", status["Name"]
                assert int(status["CapEff"], 16) == 0 and status["NoNewPrivs"] == "1", status["Name"]
