"""TLS of the API's port: versions, ALPN, certificates that change under open connections, headers that tell browsers."""

import datetime
import http.client
import ipaddress
import signal
import socket
import ssl
import threading
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from gateway_process import eventually, gateway  # noqa: F401 (fixture)
from http_client import Client, admin, ledger  # noqa: F401 (fixtures)
from token_issuer import AUDIENCE, Issuer

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
}


def write_certificate(directory, name="127.0.0.1"):
    """A new key and a certificate for this machine that it signs itself; its serial number."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.utcnow()
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address(name))]
    certificate = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(1)).not_valid_after(now + datetime.timedelta(1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False).add_extension(x509.BasicConstraints(True, None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    (directory / "certificate.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (directory / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate.serial_number


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    directory = tmp_path_factory.mktemp("tls")
    write_certificate(directory)
    return directory


@pytest.fixture(scope="module")
def api(gateway, files):
    return gateway(tls_certificate=files / "certificate.pem", tls_key=files / "key.pem")


class TlsClient:
    """A connection that is kept open, to a server that the certificate of the files is for."""

    def __init__(self, api, files, key=None, **settings):
        self.key = key
        context = ssl.create_default_context(cafile=files / "certificate.pem")
        for name, value in settings.items():
            setattr(context, name, value) if name != "alpn" else context.set_alpn_protocols(value)
        self.connection = http.client.HTTPSConnection("127.0.0.1", api.port, timeout=20, context=context)
        self.connection.connect()
        self.socket = self.connection.sock

    def get(self, path):
        self.connection.request("GET", path, headers={"Authorization": f"Bearer {self.key}"} if self.key else {})
        response = self.connection.getresponse()
        return response.status, response.headers, response.read()

    def serial(self):
        return x509.load_der_x509_certificate(self.socket.getpeercert(binary_form=True)).serial_number

    def close(self):
        self.connection.close()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=lambda version: version.name)
def test_requests_are_answered_over_tls(api, files, admin, ledger, version):
    account = ledger.open_account(5)
    client = TlsClient(api, files, admin.key, maximum_version=version, minimum_version=version, alpn=["h2", "http/1.1"])
    assert client.socket.version() == version.name.replace("_", ".")
    assert client.socket.selected_alpn_protocol() == "http/1.1"
    for _ in range(50):
        status, headers, body = client.get(f"/v1/accounts/{account}/balance")
        assert status == 200 and b'"balance":5' in body
    assert headers["Strict-Transport-Security"] == "max-age=63072000; includeSubDomains"
    client.close()


def test_old_versions_and_other_protocols_are_refused(api, files):
    with pytest.warns(DeprecationWarning):
        old = {"minimum_version": ssl.TLSVersion.TLSv1, "maximum_version": ssl.TLSVersion.TLSv1_1}
        with pytest.raises((ssl.SSLError, OSError)):
            TlsClient(api, files, **old)
    with pytest.raises((ssl.SSLError, OSError)):
        TlsClient(api, files, alpn=["h2"])
    plain = socket.create_connection(("127.0.0.1", api.port), timeout=10)
    plain.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    with plain:
        try:
            assert not plain.recv(1000).startswith(b"HTTP/")
        except ConnectionResetError:
            pass
    TlsClient(api, files).close()


def test_large_bodies_pass_in_both_directions(api, files, admin, ledger):
    accounts = ledger.open_accounts(*[1] * 10)
    body = b'{"accounts":[' + b",".join(b'"%s"' % accounts[i % 10].encode() for i in range(10000)) + b"]}"
    client = TlsClient(api, files, admin.key)
    for _ in range(3):
        client.connection.request("POST", "/v1/balances:query", body, {"Authorization": f"Bearer {admin.key}"})
        response = client.connection.getresponse()
        assert response.status == 200
        time.sleep(0.3)  # the answer fills the socket meanwhile
        assert response.read().count(b'"balance":1') == 10000
    client.close()


def test_pipelined_requests_cut_anywhere_are_answered_in_order(api, files, admin, ledger):
    accounts = ledger.open_accounts(*range(1, 21))
    client = TlsClient(api, files)
    data = b"".join(f"GET /v1/accounts/{account}/balance HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {admin.key}\r\n\r\n".encode() for account in accounts)
    for begin in range(0, len(data), 77):
        client.socket.sendall(data[begin : begin + 77])
    answers = b""
    while answers.count(b'"balance":') < 20:
        answers += client.socket.recv(65536)
    found = [int(part.split(b",")[0]) for part in answers.split(b'"balance":')[1:]]
    assert found == list(range(1, 21))
    client.close()


def test_many_clients_that_break_off_hurt_nobody(api, files):
    for size in (0, 1, 5, 50, 300):
        for _ in range(20):
            context = ssl.create_default_context(cafile=files / "certificate.pem")
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            hello = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
            with pytest.raises(ssl.SSLWantReadError):
                hello.do_handshake()
            with socket.create_connection(("127.0.0.1", api.port)) as raw:
                raw.sendall(outgoing.read()[:size])
    client = TlsClient(api, files)
    assert client.get("/v1/accounts")[0] == 401
    client.close()


def test_a_certificate_changes_under_open_connections(gateway, tmp_path, admin):
    first = write_certificate(tmp_path)
    api = gateway(tls_certificate=tmp_path / "certificate.pem", tls_key=tmp_path / "key.pem", threads=2)
    old = TlsClient(api, tmp_path, admin.key)
    assert (old.serial(), old.get("/v1/accounts?limit=1")[0]) == (first, 200)
    stop = threading.Event()
    failures = []

    def keep_asking(client):
        while not stop.is_set():
            if client.get("/v1/accounts?limit=1")[0] != 200:
                failures.append(client)

    threads = [threading.Thread(target=keep_asking, args=[TlsClient(api, tmp_path, admin.key)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    second = write_certificate(tmp_path)
    api.signal(signal.SIGHUP)

    def serial():
        try:
            client = TlsClient(api, tmp_path)
        except ssl.SSLError:
            return first  # signed by the old key still
        found = client.serial()
        client.close()
        return found

    eventually(lambda: serial() == second, 10, "the new certificate")
    assert old.get("/v1/accounts?limit=1")[0] == 200
    (tmp_path / "key.pem").write_text("nothing")
    api.signal(signal.SIGHUP)
    eventually(lambda: any("setting tls-key" in line for line in api.log), 10, "the complaint")
    assert serial() == second and api.process.poll() is None
    stop.set()
    for thread in threads:
        thread.join()
    assert failures == []
    old.close()


def test_a_signal_without_tls_changes_nothing(gateway):
    api = gateway()
    api.signal(signal.SIGHUP)
    client = Client(url=api.url)
    assert client.get("/v1/accounts").status == 401
    client.close()


def test_security_headers_are_on_every_answer_and_hsts_only_where_the_world_has_tls(gateway, admin, tmp_path):
    (tmp_path / "secret").write_text("secret")
    provider = f"id issuer=https://id.example client-id=x secret-file={tmp_path / 'secret'}"
    behind = gateway(public_url="https://pay.example", trusted_proxies="127.0.0.1", demo_funding="off", welcome_credit=0, provider=provider).url
    for url, has_tls in ((None, False), (behind, True)):
        client = Client(admin.key, url)
        for path in ("/v1/accounts?limit=1", "/nothing", "/v1/accounts/1x", "/v1/accounts?limit=x"):
            reply = client.get(path)
            for name, value in SECURITY_HEADERS.items():
                assert reply.headers.get_all(name) == [value], path
            assert ("Strict-Transport-Security" in reply.headers) == has_tls
        client.close()


def test_an_issuer_is_asked_over_tls_with_its_certificate_checked(gateway, files, tmp_path):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files / "certificate.pem", files / "key.pem")
    issuer = Issuer(context)
    kid = issuer.new_key()
    write_certificate(tmp_path)  # of somebody else
    path = "/v1/accounts/9223372036854775807/balance"
    for authorities, status in ((files / "certificate.pem", 404), (tmp_path / "certificate.pem", 503), (None, 503)):
        settings = {} if authorities is None else {"issuer_authorities": authorities}
        client = Client(issuer.token(kid), gateway(issuer=issuer.url, audience=AUDIENCE, **settings).url)
        assert client.get(path).status == status
        client.close()
    issuer.close()
