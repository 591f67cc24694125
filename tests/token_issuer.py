"""An issuer of access tokens: an HTTP server on this machine that publishes its keys and rotates them."""

import base64
import http.server
import json
import threading
import time
import uuid

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

AUDIENCE = "https://pay.example"


def base64url(octets):
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def number(value, size=None):
    return base64url(value.to_bytes(size or (value.bit_length() + 7) // 8, "big"))


def new_private_key(algorithm):
    if algorithm in ("RS256", "PS256", "RS512"):
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    if algorithm == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    return ec.generate_private_key({"ES256": ec.SECP256R1, "ES384": ec.SECP384R1}[algorithm]())


def jwk(private_key):
    public = private_key.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        numbers = public.public_numbers()
        return {"kty": "RSA", "n": number(numbers.n), "e": number(numbers.e)}
    if isinstance(public, ed25519.Ed25519PublicKey):
        octets = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        return {"kty": "OKP", "crv": "Ed25519", "x": base64url(octets)}
    numbers, size = public.public_numbers(), public.curve.key_size // 8
    return {"kty": "EC", "crv": f"P-{public.curve.key_size}", "x": number(numbers.x, size), "y": number(numbers.y, size)}


class Issuer:
    """tls: an SSL context, for https. key_set_path: where the discovery document says the keys are."""

    def __init__(self, tls=None):
        self.keys = {}  # kid: (algorithm, private key)
        self.fetched = []  # paths asked for
        self.hosts = set()  # by which name
        self.answers = {}  # path: (status, headers, body) in place of the usual one
        issuer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                issuer.fetched.append(self.path)
                issuer.hosts.add(self.headers["Host"])
                self.reply(issuer.answers.get(self.path) or issuer.answer(self.path))

            def do_POST(self):
                form = self.rfile.read(int(self.headers["Content-Length"])).decode()
                self.reply(issuer.take(self.path, self.headers, form))

            def reply(self, answer):
                status, headers, body = answer
                self.send_response(status)
                for name, value in {"Content-Length": len(body), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        if tls is not None:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        scheme = "http" if tls is None else "https"
        self.url = f"{scheme}://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, path):
        if path == "/.well-known/openid-configuration":
            document = {"issuer": self.url, "jwks_uri": self.url + "/keys"}
        elif path == "/keys":
            document = {"keys": [{**jwk(key), "kid": kid, "alg": algorithm, "use": "sig"} for kid, (algorithm, key) in self.keys.items()]}
        else:
            return 404, {}, b"{}"
        return 200, {"Content-Type": "application/json"}, json.dumps(document).encode()

    def take(self, path, headers, form):
        return 404, {}, b"{}"

    def new_key(self, algorithm="ES256"):
        kid = uuid.uuid4().hex
        self.keys[kid] = (algorithm, new_private_key(algorithm))
        return kid

    def token(self, kid, subject="alice", scope="read transfer", key=None, header=(), **claims):
        """A claim of None is left out. key: another one than kid's, as a forger has."""
        algorithm, own = self.keys.get(kid, ("ES256", key))
        now = int(time.time())
        claims = {"iss": self.url, "aud": AUDIENCE, "sub": subject, "scope": scope, "iat": now, "exp": now + 300,
                  "jti": uuid.uuid4().hex, "client_id": "app", **claims}  # fmt: skip
        claims = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(claims, key or own, algorithm=algorithm, headers={"typ": "at+jwt", "kid": kid, **dict(header)})

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture(scope="module")
def issuer():
    """One with one key."""
    made = Issuer()
    made.new_key()
    yield made
    made.close()
