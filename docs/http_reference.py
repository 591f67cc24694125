#!/usr/bin/python3
"""Writes http.md, the HTTP reference, from gateway/openapi.json."""

import json
from pathlib import Path

DOCS = Path(__file__).resolve().parent
FILE = DOCS / "http.md"
DESCRIPTION = DOCS.parent / "gateway/openapi.json"

HEAD = """\
# HTTP reference

Made by `make docs` from `gateway/openapi.json`, which the gateway serves as `/openapi.json` and which every reply of the tests is
checked against; do not edit. {description}

Credentials: {credentials}

Every request may have these headers:

{headers}
"""


class Page:
    """The description, and how its parts are written."""

    def __init__(self, document):
        self.document = document
        self.parts = document["components"]

    def resolve(self, part):
        """A part, or what it refers to."""
        while "$ref" in part:
            part = self.parts[part["$ref"].split("/")[2]][part["$ref"].split("/")[3]]
        return part

    def type(self, schema):
        """A schema in a few words, with links to those that have a name."""
        if "$ref" in schema:
            name = schema["$ref"].split("/")[-1]
            return f"[{name}](#{name.lower()})"
        for several in ("anyOf", "oneOf"):
            if several in schema:
                return " or ".join(self.type(one) for one in schema[several])
        if "const" in schema:
            return f"`{schema['const']}`"
        if "enum" in schema:
            return ", ".join(f"`{one}`" for one in schema["enum"])
        kinds = schema.get("type", "object")
        kinds = [kinds] if isinstance(kinds, str) else kinds
        words = " or ".join(self.array(schema) if kind == "array" else kind for kind in kinds)
        return words + limits(schema)

    def array(self, schema):
        return "list of " + self.type(schema["items"])

    def members(self, schema, prefix="", is_request=False):
        """Rows for the members of an object, those of objects without a name among them."""
        rows = []
        for name, member in schema.get("properties", {}).items():
            if name not in schema.get("required", []):
                name_shown = f"`{prefix}{name}`" + ("" if is_request else ", where it applies")
            else:
                name_shown = f"`{prefix}{name}`" + (", required" if is_request else "")
            inner = next((one for one in member.get("oneOf", []) if "properties" in one), member.get("items", member))
            rows.append(f"| {name_shown} | {self.type(member)} | {member.get('description', '')} |")
            if "properties" in inner:
                rows += self.members(inner, f"{prefix}{name}{'[]' if 'items' in member else ''}.", is_request)
        return rows

    def schema(self, name, schema):
        is_request = schema.get("additionalProperties") is False
        lines = [f"### {name}\n"]
        if "properties" not in schema:
            lines.append(f"{self.type(schema)}. {schema.get('description', '')}".rstrip() + "\n")
            return "\n".join(lines)
        if "description" in schema:
            lines.append(schema["description"] + "\n")
        lines.append("\n".join(["| member | is | |", "|---|---|---|"] + self.members(schema, is_request=is_request)) + "\n")
        return "\n".join(lines)

    def parameter(self, parameter):
        name = f"`{parameter['name']}`" + (", required" if parameter.get("required") else "")
        return f"| {name} | {parameter['in']}, {self.type(parameter['schema'])} | {parameter.get('description', '')} |"

    def body(self, part):
        """What a request or reply carries: its media types and schemas."""
        shown = []
        for media, kind in part.get("content", {}).items():
            named = "$ref" in kind["schema"] or media == "application/json"
            shown += [self.type(kind["schema"])] if named else []
            shown += [f"`{media}`"] if media != "application/json" else []
        return ", ".join(shown)

    def operation(self, method, path, operation):
        lines = [f"### {method.upper()} {path}\n", f"{operation['summary']}. {operation.get('description', '')}".rstrip() + "\n"]
        if operation.get("security") == []:
            lines.append("Needs no credentials.\n")
        elif "security" in operation:
            lines.append("Of browsers that have signed in.\n")
        parameters = [self.resolve(one) for one in operation.get("parameters", [])]
        parameters = [one for one in parameters if one["name"] not in EVERYWHERE]
        if parameters:
            lines.append("\n".join(["| parameter | is | |", "|---|---|---|"] + [self.parameter(one) for one in parameters]) + "\n")
        if "requestBody" in operation:
            lines.append(f"Body: {self.body(operation['requestBody'])}\n")
        rows, others = [], []
        for status, reply in operation["responses"].items():
            if "$ref" in reply:
                others.append(status)
                continue
            headers = ", ".join(f"`{name}`" for name in reply.get("headers", {}) if name not in ON_EVERY_REPLY)
            rows.append(f"| {status} | {reply['description']} | {self.body(reply)} | {headers} |")
        lines.append("\n".join(["| status | | body | headers |", "|---|---|---|---|"] + rows) + "\n")
        lines.append("[Errors](#errors): " + ", ".join(others) + ".\n")
        return "\n".join(lines)

    def errors(self):
        """What the shared replies mean."""
        statuses = {}
        for operations in self.document["paths"].values():
            for operation in operations.values():
                for status, reply in operation["responses"].items():
                    if "$ref" in reply:
                        statuses[status] = self.resolve(reply)
        rows = []
        for status in sorted(statuses):
            headers = ", ".join(f"`{name}`" for name in statuses[status].get("headers", {}) if name not in ON_EVERY_REPLY)
            rows.append(f"| {status} | {statuses[status]['description']} | {headers} |")
        return "\n".join(["| status | | headers |", "|---|---|---|"] + rows) + "\n"


EVERYWHERE = ["X-Request-Id", "traceparent", "TokPay-Client"]
ON_EVERY_REPLY = ["RateLimit", "RateLimit-Policy", "X-Request-Id", "TokPay-Epoch"]


def limits(schema):
    """The bounds that a schema sets, the whole int64 aside."""
    said = []
    for low, high, what in (("minimum", "maximum", ""), ("minLength", "maxLength", " characters"), ("minItems", "maxItems", " of them")):
        least, most = schema.get(low), schema.get(high)
        if most is not None and most >= 2**62:
            most = None
            least = None if least is not None and least < 0 else least
        if most is not None and least is not None:
            said.append(f"{least:,} to {most:,}{what}")
        elif most is not None:
            said.append(f"at most {most:,}{what}")
        elif least is not None:
            said.append(f"at least {least:,}{what}")
    if "default" in schema:
        said.append(f"{schema['default']} by default")
    if schema.get("format") == "date-time":
        said.append("RFC 3339")
    return "".join(f", {one}" for one in said)


def reference():
    """The whole page."""
    page = Page(json.loads(DESCRIPTION.read_text()))
    parts = page.parts
    everywhere = [one for one in parts["parameters"].values() if one["name"] in EVERYWHERE]
    lines = [HEAD.format(
        description=page.document["info"]["description"],
        credentials=" Or: ".join(one["description"] for one in parts["securitySchemes"].values()),
        headers="\n".join(["| header | is | |", "|---|---|---|"] + [page.parameter(one) for one in everywhere]),
    )]
    for tag in page.document["tags"]:
        lines.append(f"## {tag['name']}\n\n{tag['description']}\n")
        for path, operations in page.document["paths"].items():
            lines += [page.operation(method, path, one) for method, one in operations.items() if tag["name"] in one["tags"]]
    lines.append("## Errors\n\nThe body is a [Problem](#problem), `application/problem+json`.\n\n" + page.errors())
    shown = {name: header for name, header in parts["headers"].items() if not name.startswith("Problem")}
    names = {"Replayed": "Idempotency-Replayed", "RetryAfter": "Retry-After", "Authenticate": "WWW-Authenticate",
        "RateLimitPolicy": "RateLimit-Policy", "RequestId": "X-Request-Id", "Epoch": "TokPay-Epoch"}  # fmt: skip
    rows = [f"| `{names.get(name, name)}` | {header['description']} |" for name, header in shown.items()]
    lines.append("## Headers of replies\n\n" + "\n".join(["| header | |", "|---|---|"] + rows) + "\n")
    lines.append("## Objects\n\nMembers that are named are always there, null where they have no value; new ones may come.\n")
    lines += [page.schema(name, schema) for name, schema in parts["schemas"].items()]
    return "\n".join(lines)


if __name__ == "__main__":
    FILE.write_text(reference())
