"""The gateway's program: --check and --help, what it says about wrong settings, and what it refuses to start with."""

import os
import signal
import socket
import subprocess

import pytest
from gateway_process import PROGRAM, SECRETS, GatewayProcess, eventually, gateway, metric, settings_file  # noqa: F401 (fixture)
from http_client import Client, environment, ledger  # noqa: F401 (fixture)
from ports import free_ports
from test_http_tls import write_certificate

NO_VARIABLES = {name: value for name, value in os.environ.items() if not name.startswith(("TOKPAY_GATEWAY_", "PUBLIC_URL", "TRUSTED_"))}


def run(*arguments, **variables):
    """(exit status, what it said) of a gateway that is not to serve."""
    done = subprocess.run([PROGRAM, *arguments], env={**NO_VARIABLES, **variables}, capture_output=True, text=True, timeout=20)
    return done.returncode, done.stdout + done.stderr


def check(tmp_path, lines, **variables):
    path = tmp_path / "gateway.conf"
    path.write_text("# of a test\ndatabase = postgresql://a:hunter2@/x\nadmin-database = postgresql://b:hunter2@/x\n" + lines)
    status, said = run("--config", path, "--check", **variables)
    assert "hunter2" not in said
    return status, said.replace(str(path), "FILE")


def test_help_is_a_page_that_names_every_setting():
    status, page = run("--help")
    assert status == 0
    assert page.startswith("NAME\n       tokpay-gateway - ")
    for word in ("SYNOPSIS", "SETTINGS", "SIGNALS", "EXIT STATUS", "--listen ADDRESS:PORT", "--database-file FILE", "PUBLIC_URL", "--check"):
        assert word in page
    assert max(map(len, page.splitlines())) <= 80


def test_the_settings_of_the_instance_are_good():
    assert run("--config", settings_file(), "--check") == (0, "tokpay-gateway: the settings are good\n")


@pytest.mark.parametrize("lines, said", [
    ("listen = 8080", 'FILE, line 4: setting listen: expected ADDRESS:PORT with an IP address, as 127.0.0.1:8080, not "8080"'),
    ("\nlisten: x", "FILE, line 5: a line is NAME = VALUE, or begins with #"),
    ("thread = 2", 'FILE, line 4: there is no setting "thread"; --help lists them'),
    ("tls-certificate = /nowhere\ntls-key = /nowhere", "FILE, line 4: setting tls-certificate: there is no certificate in PEM in /nowhere"),
    ("issuer = https://id.example\naudience = x\nissuer-authorities = /nowhere", "FILE, line 6: setting issuer-authorities: there is no certificate in PEM in /nowhere"),
    ("patroni = https://a\npatroni-authorities = /nowhere", "FILE, line 5: setting patroni-authorities: there is no certificate in PEM in /nowhere"),
    ("admin-database = postgresql://c:hunter2@/x", "FILE, line 4: setting admin-database: there are 2, and 1 of database"),
    ("database = postgresql://c:hunter2@[x/x", "FILE, line 4: setting database: expected a libpq URI"),
    ("web = /nowhere", "FILE, line 4: setting web: there is no directory /nowhere; make build makes"),
    ("public-url = https://pay.example", "FILE, line 4: setting public-url: the world would speak plain HTTP to this gateway"),
], ids=lambda text: text.split("\n")[0])  # fmt: skip
def test_a_fault_is_told_by_file_and_line(tmp_path, lines, said):
    status, message = check(tmp_path, lines)
    assert status == 1
    assert message.startswith("tokpay-gateway: " + said)
    assert message.count("\n") == 1


def test_the_environment_is_checked_too(tmp_path):
    assert check(tmp_path, "", PUBLIC_URL="http://pay.example")[0] == 1
    status, said = check(tmp_path, "demo-funding = on", PUBLIC_URL="https://pay.example", TRUSTED_PROXIES="10.0.0.1")
    assert status == 1 and "line 4: setting demo-funding" in said
    assert check(tmp_path, "", PUBLIC_URL="https://pay.example", TRUSTED_PROXIES="10.0.0.1")[0] == 0


def test_key_and_certificate_have_to_belong_together(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    for directory in (one, two):
        directory.mkdir()
        write_certificate(directory)
    files = "tls-certificate = {}/certificate.pem\ntls-key = {}/key.pem"
    assert check(tmp_path, files.format(one, one))[0] == 0
    status, said = check(tmp_path, files.format(one, two))
    assert status == 1 and "setting tls-key" in said


def test_a_wrong_setting_keeps_it_from_serving(tmp_path):
    (port,) = free_ports(1)
    status, said = run("--config", settings_file(), f"--listen=127.0.0.1:{port}", "--public-url=http://pay.example")
    assert status == 1 and "public-url" in said


@pytest.mark.parametrize("name", ["listen", "admin-listen"])
def test_a_port_that_is_taken_is_told_with_its_setting(name):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        flags = {flag: f"127.0.0.1:{port}" for flag, port in zip(["listen", "admin-listen"], free_ports(2))} | {name: address}
        status, said = run("--config", settings_file(), *(f"--{flag}={value}" for flag, value in flags.items()))
    assert (status, said) == (1, f"tokpay-gateway: flag --{name}: setting {name}: cannot listen on {address}: Address already in use\n")


def test_an_incarnation_stays_accepted_when_its_setting_is_gone(gateway):
    api = gateway()
    api.signal(signal.SIGHUP)
    incarnation = metric(api, 'tokpay_epoch{part="incarnation"}')
    said = f"incarnation {incarnation:.0f} stays accepted"
    eventually(lambda: said in "".join(api.log), 10, said)


def test_a_refusal_names_the_incarnation_of_the_setting():
    api = GatewayProcess(incarnation=99, is_ready=False)
    said = "which is over; incarnation 99 is accepted (setting incarnation)"
    try:
        eventually(lambda: said in "".join(api.log), 10, said)
    finally:
        api.stop()


def test_secrets_are_not_taken_as_flags_but_from_files(gateway, ledger, tmp_path):
    status, said = run("--config", settings_file(), "--database", "postgresql://a:hunter2@/x")
    assert status == 1 and "--database-file" in said and "hunter2" not in said
    settings = dict(line.split(" = ", 1) for line in settings_file().read_text().splitlines())
    path = tmp_path / "gateway.conf"
    for name in ("database", "admin-database"):
        (tmp_path / name).write_text(settings[name] + "\n")
    path.write_text(f"database-file = {tmp_path}/database\nadmin-database-file = {tmp_path}/admin-database\n")
    assert run("--config", path, "--check")[0] == 0


def test_logs_hold_no_credentials(gateway, ledger):
    """What goes wrong is told without the secrets that were part of it."""
    api = gateway(issuer="http://127.0.0.1:1", audience="x")
    key = ledger.api_key("read")
    token = "eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.e30.AAAA"
    for credential in (key, token, key + "x"):
        for path in ("/v1/accounts/1/balance", f"/v1/accounts?name={key}", f"/{key}", "/%"):
            client = Client(credential, api.url)
            assert client.get(path).status in (200, 400, 401, 403, 404)
            client.close()
    text = api.stop()
    assert "serving http://" in text
    assert not SECRETS.search(text) and key not in text
