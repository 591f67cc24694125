"""gateway/openapi.json, and whether a reply is one that it describes."""

import json
import pathlib
import re

import jsonschema

FILE = pathlib.Path(__file__).parent.parent / "gateway" / "openapi.json"
DOCUMENT = json.loads(FILE.read_text())
PROBES = ["/livez", "/readyz", "/metrics"]  # of the admin port
PAGES = re.compile(r"/|/app(/.*)?|/assets/.*|/favicon\.svg")  # of the web app, for browsers
LONGEST = 100  # of a list, what lies between is of the same kind


def pattern(path):
    return re.compile("[^/:]+".join(map(re.escape, re.split("{[a-z]+}", path))))


PATHS = [(pattern(path), operations) for path, operations in DOCUMENT["paths"].items()]
RESOLVER = jsonschema.RefResolver("", DOCUMENT)
PROBLEM = {"$ref": "#/components/schemas/Problem"}
# Those that are part of the interface; they may be in no reply that does not describe them.
HEADERS = {"ETag", "Location", "Idempotency-Replayed", "Retry-After", "Allow", "WWW-Authenticate", "RateLimit", "RateLimit-Policy", "TokPay-Epoch", "X-Request-Id"}


def resolve(thing):
    return RESOLVER.resolve(thing["$ref"])[1] if "$ref" in thing else thing


def operation(method, target):
    """What the description says of a request; None where there is nothing at the path for the method."""
    path = target.partition("?")[0]
    for expression, operations in PATHS:
        if expression.fullmatch(path):
            return operations.get(method.lower())
    return None


def shortened(value):
    if isinstance(value, dict):
        return {name: shortened(member) for name, member in value.items()}
    if isinstance(value, list):
        kept = value if len(value) <= LONGEST else value[: LONGEST // 2] + value[-LONGEST // 2 :]
        return [shortened(element) for element in kept]
    return value


def check_schema(schema, value):
    jsonschema.Draft202012Validator(schema, resolver=RESOLVER).validate(shortened(value))


def check_headers(described, headers, where):
    for name in HEADERS & set(headers):
        assert name in described, f"{where} has {name}, which is not described"
        check_schema(resolve(described[name])["schema"], headers[name])
    for name, header in described.items():
        assert name in headers or not resolve(header).get("required"), f"{where} has no {name}"


def check(method, target, status, headers, body):
    """Fails where a reply is none that the description has for its request."""
    described = operation(method, target)
    where = f"{method} {target}: {status}"
    if described is None and status < 400 and PAGES.fullmatch(target.partition("?")[0] or "/"):
        return
    if described is None and target in PROBES and headers["Content-Type"].startswith("text/plain"):
        return
    if described is None:
        assert status >= 400 and "X-Request-Id" in headers, where
        check_schema(PROBLEM, json.loads(body))
        return
    assert str(status) in described["responses"], f"{where} is not described"
    response = resolve(described["responses"][str(status)])
    check_headers(response.get("headers", {}), headers, where)
    if "content" not in response:
        assert body == b"", where
        return
    content_type = headers["Content-Type"].partition(";")[0]
    assert content_type in response["content"], f"{where}: {content_type} is not described"
    if content_type.endswith("json"):
        check_schema(response["content"][content_type]["schema"], json.loads(body))
