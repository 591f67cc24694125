"""What a release says of itself: one version everywhere, and a META.json that PGXN takes."""

import json
import re
from pathlib import Path

import jsonschema

ROOT = Path(__file__).resolve().parent.parent
VERSION = re.search(r"^default_version = '(.*)'$", (ROOT / "extension/tokpay.control").read_text(), re.MULTILINE)[1]

# https://pgxn.org/spec/: what has to be there, and the form of it.
TEXT = {"type": "string", "minLength": 1}
TERM = {"type": "string", "pattern": r"^[^\s/\\\x00-\x1f]{2,}$"}
SEMANTIC_VERSION = {"type": "string", "pattern": r"^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-?[A-Za-z][0-9A-Za-z-]*)?$"}
LICENSES = ["agpl_3", "apache_1_1", "apache_2_0", "artistic_1", "artistic_2", "bsd", "freebsd", "gfdl_1_2", "gfdl_1_3",
            "gpl_1", "gpl_2", "gpl_3", "lgpl_2_1", "lgpl_3_0", "mit", "mozilla_1_0", "mozilla_1_1", "openssl", "perl_5",
            "postgresql", "qpl_1_0", "ssleay", "sun", "zlib", "open_source", "restricted", "unrestricted", "unknown"]
PHASE = {
    "type": "object",
    "propertyNames": {"enum": ["requires", "recommends", "suggests", "conflicts"]},
    "additionalProperties": {"type": "object", "additionalProperties": SEMANTIC_VERSION},
}
PGXN_META = {
    "type": "object",
    "required": ["name", "abstract", "version", "maintainer", "license", "provides", "meta-spec"],
    "properties": {
        "name": TERM,
        "abstract": TEXT,
        "description": TEXT,
        "version": SEMANTIC_VERSION,
        "maintainer": TEXT,
        "license": {"enum": LICENSES},
        "provides": {
            "type": "object",
            "minProperties": 1,
            "propertyNames": TERM,
            "additionalProperties": {
                "type": "object",
                "required": ["file", "version"],
                "properties": {"file": TEXT, "version": SEMANTIC_VERSION, "abstract": TEXT, "docfile": TEXT},
                "additionalProperties": False,
            },
        },
        "prereqs": {
            "type": "object",
            "propertyNames": {"enum": ["configure", "build", "test", "runtime", "develop"]},
            "additionalProperties": PHASE,
        },
        "release_status": {"enum": ["stable", "testing", "unstable"]},
        "tags": {"type": "array", "items": {"type": "string", "minLength": 1, "maxLength": 255}, "minItems": 1, "uniqueItems": True},
        "meta-spec": {
            "type": "object",
            "required": ["version"],
            "properties": {"version": {"const": "1.0.0"}, "url": TEXT},
        },
    },
    "additionalProperties": False,
}


def meta():
    return json.loads((ROOT / "META.json").read_text())


def first(pattern, path):
    return re.search(pattern, (ROOT / path).read_text(), re.MULTILINE)[1]


def test_every_file_that_tells_a_version_tells_the_same():
    told = {
        "CHANGELOG.md": first(r"^## ([^,\s]+)", "CHANGELOG.md"),
        "debian/changelog": first(r"^tokpay \((.*)\)", "debian/changelog"),
        "gateway/openapi.json": json.loads((ROOT / "gateway/openapi.json").read_text())["info"]["version"],
        "gateway/web/package.json": json.loads((ROOT / "gateway/web/package.json").read_text())["version"],
        "META.json": meta()["version"],
        "META.json, provides": meta()["provides"]["tokpay"]["version"],
    }
    assert told == dict.fromkeys(told, VERSION)


def test_an_upgrade_leads_to_this_version_from_the_one_before():
    before = re.findall(r"^## ([^,\s]+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)[1]
    assert (ROOT / f"sql/tokpay--{before}--{VERSION}.sql").exists()


def test_META_json_is_what_PGXN_takes():
    jsonschema.validate(meta(), PGXN_META, cls=jsonschema.Draft7Validator)
    named = [extension[file] for extension in meta()["provides"].values() for file in ("file", "docfile")]
    assert all((ROOT / path).is_file() for path in named)
