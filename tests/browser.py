"""A person with a browser: a wallet, a session of it, and requests as the app's pages send them."""

import hashlib
import http.client
import json
import secrets
from urllib.parse import urlsplit

import api_description
from http_client import Reply

ISSUER = "https://id.example"


class Browser:
    """Signed in as a subject of ISSUER, without the provider: the wallet and the session are made in the database.

    Every reply has to be one that the API's description has."""

    def __init__(self, ledger, url, subject=None, email=None, name=None, verified=True, issuer=ISSUER, user_agent="a test"):
        self.ledger, self.url, self.issuer = ledger, url, issuer
        self.subject = subject or "u" + secrets.token_hex(8)
        self.email = email or f"{self.subject}@wallets.example"
        self.name = name or f"Person {self.subject}"
        self.user = ledger.value(
            "select tokpay.register_wallet(%s, %s, %s, %s, true, %s)", [issuer, self.subject, self.email, verified, self.name]
        )
        self.account = str(ledger.value("select account from tokpay.wallet_user where id = %s", [self.user]))
        self.secret = None
        self.sign_in(user_agent)
        address = urlsplit(url)
        self.cookie = f"tokpay-{address.port}"
        self.connection = http.client.HTTPConnection(address.hostname, address.port, timeout=30)

    def sign_in(self, user_agent="a test", idle_s=1800):
        """Another session, which is the browser's from now on: its id."""
        self.secret = secrets.token_urlsafe(32)
        digest = hashlib.sha256(b"session\n" + self.secret.encode()).digest()
        self.session = str(self.ledger.value(
            "select tokpay.gateway_begin_session(%s, %s, %s, %s, %s, 43200, null)", [self.user, self.issuer, digest, user_agent, idle_s]
        ))  # fmt: skip
        return self.session

    def request(self, method, path, body=None, **headers):
        """headers: If_None_Match="…"; None leaves one out that the app sends."""
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {"Cookie": f"{self.cookie}={self.secret}", **({} if method in ("GET", "HEAD") else {"Origin": self.url, "Sec-Fetch-Site": "same-origin", "TokPay-Client": "web"}), **headers}
        self.connection.request(
            method, path, None if body is None else json.dumps(body), {name: value for name, value in sent.items() if value is not None}
        )
        response = self.connection.getresponse()
        reply = Reply(response.status, response.headers, response.read())
        api_description.check(method, path, reply.status, reply.headers, reply.body)
        return reply

    def get(self, path, **headers):
        return self.request("GET", path, **headers)

    def post(self, path, body, key=None, **headers):
        return self.request("POST", path, body, **({} if key is None else {"Idempotency_Key": key}), **headers)

    def patch(self, path, body, **headers):
        return self.request("PATCH", path, body, **headers)

    def delete(self, path, **headers):
        return self.request("DELETE", path, **headers)

    def pay(self, payee, amount, description=None):
        body = {"debit": self.account, "credits": [{"account": payee.account, "amount": amount}], "description": description}
        reply = self.post("/v1/transfers", body, key=secrets.token_hex(8))
        assert reply.status == 201, reply
        return reply.json["id"]

    def close(self):
        self.connection.close()
