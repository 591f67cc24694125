"""A provider that people sign in with, which keeps to OpenID Connect unless a test has it misbehave."""

import base64
import hashlib
import json
import secrets
import urllib.parse

from http_client import Client
from token_issuer import Issuer, base64url

CLIENT, SECRET = "tokpay", "a secret: with/odd+signs"


class Provider(Issuer):
    """discovery and claims are what its answers have instead of the usual; None leaves a member out."""

    def __init__(self):
        super().__init__()
        self.kid = self.new_key("RS256")
        self.codes = {}  # code: (parameters of the authorization request, subject, claims)
        self.discovery = {}
        self.token_key = None  # a forger's
        self.asked = 0

    def answer(self, path):
        if path == "/userinfo":
            return 200, {"Content-Type": "application/json"}, json.dumps(self.userinfo).encode()
        status, headers, body = super().answer(path)
        if path == "/.well-known/openid-configuration":
            document = json.loads(body) | {
                "authorization_endpoint": self.url + "/authorize?tenant=a", "token_endpoint": self.url + "/token",
                "userinfo_endpoint": self.url + "/userinfo", "end_session_endpoint": self.url + "/end",
                "authorization_response_iss_parameter_supported": True,
            }  # fmt: skip
            document = {name: value for name, value in (document | self.discovery).items() if value is not None}
            body = json.dumps(document).encode()
        return status, headers, body

    def take(self, path, headers, form):
        """The token endpoint (RFC 6749, section 4.1.3; RFC 7636, section 4.6). A code is good once."""
        self.asked += 1
        given = dict(urllib.parse.parse_qsl(form))
        wanted, subject, claims = self.codes.pop(given.get("code"), (None, None, None))
        basic = f"{urllib.parse.quote(CLIENT, safe='')}:{urllib.parse.quote(SECRET, safe='')}".encode()
        challenge = base64url(hashlib.sha256(given.get("code_verifier", "").encode()).digest())
        if (wanted is None or headers["Authorization"] != "Basic " + base64.b64encode(basic).decode() or path != "/token"
                or given["grant_type"] != "authorization_code" or challenge != wanted["code_challenge"]
                or given["redirect_uri"] != wanted["redirect_uri"]):  # fmt: skip
            return 400, {"Content-Type": "application/json"}, b'{"error":"invalid_grant"}'
        claims = {"aud": CLIENT, "nonce": wanted["nonce"], "email": f"{subject}@mail.example", "email_verified": True,
                  "name": subject.title(), "scope": None, "client_id": None, "jti": None, **claims}  # fmt: skip
        token = self.token(self.kid, subject, key=self.token_key, header={"typ": "JWT"}, **claims)
        return 200, {"Content-Type": "application/json"}, json.dumps({"access_token": "x", "token_type": "Bearer", "id_token": token}).encode()

    def setting(self, path):
        """Of the gateway; path is a file to keep the secret in."""
        path.write_text(SECRET + "\n")
        return f'provider=prov issuer={self.url} client-id={CLIENT} secret-file={path} label="Prov" payable-domains=mail.example'


class Browser:
    """What a browser does to sign in: it keeps cookies and follows the provider's redirect."""

    def __init__(self, url):
        self.url = url
        self.cookies = {}

    def request(self, method, path, body=None, **headers):
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if method != "GET":
            headers = {"Origin": self.url, "Sec-Fetch-Site": "same-origin", "TokPay-Client": "web", **headers}
        client = Client(None, self.url)
        reply = client.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        client.close()
        for line in reply.headers.get_all("Set-Cookie") or []:
            name, _, value = line.split(";")[0].partition("=")
            if value:
                self.cookies[name] = value
            else:
                self.cookies.pop(name, None)
        return reply

    def get(self, path, **headers):
        return self.request("GET", path, **headers)

    def begin(self, **parameters):
        """The parameters with which the gateway sends the browser to the provider."""
        reply = self.get("/auth/login?" + urllib.parse.urlencode(parameters))
        assert reply.status == 303, reply
        return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(reply.headers["Location"]).query))

    def come_back(self, provider, wanted, subject, changes=(), **claims):
        """The callback, with a code for that user; changes are parameters of it, None leaves one out."""
        code = secrets.token_urlsafe(16)
        provider.codes[code] = (wanted, subject, claims)
        parameters = {"code": code, "state": wanted["state"], "iss": provider.url, **dict(changes)}
        parameters = {name: value for name, value in parameters.items() if value is not None}
        return self.get("/auth/callback/prov?" + urllib.parse.urlencode(parameters))

    def sign_in(self, provider, subject, return_to="/app", **claims):
        reply = self.come_back(provider, self.begin(provider="prov", return_to=return_to), subject, **claims)
        assert (reply.status, reply.headers["Location"]) == (303, return_to), reply
        return self

    @property
    def is_signed_in(self):
        return self.get("/auth/session").json["signed_in"]
