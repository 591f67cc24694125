"""The web app as the gateway serves it: pages with data in them, files, who is sent where, and what headers they have."""

import base64
import gzip
import hashlib
import http.client
import json
import re
import subprocess
import time
from urllib.parse import urlsplit

import pytest
from browser import Browser
from gateway_process import PROGRAM, gateway, settings_file  # noqa: F401 (fixture)
from http_client import Client, Reply, ends_within_a_second, environment, ledger  # noqa: F401 (fixtures)

HTML = """<!doctype html><html lang="en" dir="ltr" data-theme="system"><head><script type="module" src="/assets/app-1a2b.js"></script></head>
<body><!--data--></body></html>"""
SCRIPT = "console.log('the app');" * 100
IMMUTABLE = "public, max-age=31536000, immutable"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A directory with a small built app."""
    directory = tmp_path_factory.mktemp("web")
    (directory / "assets").mkdir()
    (directory / "index.html").write_text(HTML)
    (directory / "favicon.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (directory / "assets/app-1a2b.js").write_text(SCRIPT)
    (directory / "assets/app-1a2b.js.gz").write_bytes(gzip.compress(SCRIPT.encode()))
    (directory / "assets/app-1a2b.js.br").write_bytes(b"as brotli makes it")
    return directory


@pytest.fixture(scope="module")
def api(gateway, site):
    return gateway(web=site)


@pytest.fixture
def browse(api):
    """A function that asks for a page or a file, as a browser does."""
    address = urlsplit(api.url)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=30)

    def ask(path, method="GET", **headers):
        connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        response = connection.getresponse()
        return Reply(response.status, response.headers, response.read())

    yield ask
    connection.close()


def data_of(page):
    return json.loads(re.search(rb'<script type="application/json" id="data">(.*?)</script>', page.body)[1])


def test_the_landing_page_has_what_the_app_asks_for_first(browse, api):
    page = browse("/")
    assert (page.status, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    nobody = Client(url=api.url)
    assert data_of(page) == {"/v1/config": nobody.get("/v1/config").json, "/auth/session": {"signed_in": False}}
    nobody.close()
    before, after = HTML.split("<!--data-->")
    assert page.body.startswith(before.encode()) and page.body.endswith(after.encode())
    assert browse("/?return_to=/app").body == page.body


PAGE_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def test_pages_have_headers_of_their_own(browse, ledger):
    for page in browse("/"), browse("/app"):
        assert {name: page.headers[name] for name in PAGE_HEADERS} == PAGE_HEADERS
        assert "camera=()" in page.headers["Permissions-Policy"] and "payment=()" in page.headers["Permissions-Policy"]
        assert all(page.headers.get_all(name) == [value] for name, value in PAGE_HEADERS.items())
    assert re.fullmatch(r"\d+\.\d+\.\d+", browse("/").headers["TokPay-Epoch"])
    answer = browse("/v1/config")
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert "Permissions-Policy" not in answer.headers


@pytest.mark.parametrize("path, return_to", [
    ("/app", "/app"), ("/app/", "/app/"), ("/app/transactions/17", "/app/transactions/17"), ("/app/settings?a=1&b=2", "/app/settings%3Fa%3D1%26b%3D2"),
    ("/app/%0d%0aSet-Cookie:x", "/app/%250d%250aSet-Cookie%3Ax"), ("/app/<script>", "/app/%3Cscript%3E"), ("/app//evil.example", "/app//evil.example"),
])  # fmt: skip
def test_without_a_session_the_app_sends_to_the_landing_page(browse, ledger, path, return_to):
    key = ledger.api_key("admin")
    for headers in {}, {"Authorization": f"Bearer {key}"}, {"Authorization": "Bearer tokpay_x"}, {"Cookie": "tokpay=x; __Host-tokpay=y"}:
        for method in "GET", "HEAD":
            page = browse(path, method, **headers)
            assert (page.status, page.headers["Location"], page.body) == (303, f"/?return_to={return_to}", b"")
            assert page.headers["Cache-Control"] == "no-store"


@pytest.fixture
def alice(ledger, api):
    """Somebody who is signed in."""
    made = Browser(ledger, api.url, name="Alice </script><script>alert(1)</script> \u2028")
    yield made
    made.close()


def test_the_app_has_what_the_client_would_ask_for(alice, ledger):
    ledger.execute("select tokpay.top_up(%s, 100)", [alice.account])
    entries = f"/v1/accounts/{alice.account}/entries?limit=10"
    for path, urls in [("/app", ["/v1/config", "/v1/me", entries]), ("/app?x=1", ["/v1/config", "/v1/me", entries]), ("/app/settings", ["/v1/config", "/v1/me"]),
                       ("/app/pay/AAAAAAAAAAAAAAAAAAAAAA", ["/v1/config", "/v1/me"]), ("/", ["/v1/config", "/auth/session", "/v1/me"])]:  # fmt: skip
        page = alice.get(path)
        assert (page.status, page.headers["Cache-Control"], page.headers["Content-Type"]) == (200, "no-store", "text/html; charset=utf-8")
        data = data_of(page)
        assert data == {url: alice.get(url).json for url in urls}, path
        assert page.body.count(b"<script") == 2 and "\u2028".encode() not in page.body
        assert re.fullmatch(r"\d+\.\d+\.\d+", page.headers["TokPay-Epoch"])
    assert data["/auth/session"] == {"signed_in": True}


def test_what_the_browser_says_of_the_page_is_not_about_its_data(alice):
    plain = alice.get("/app")
    for headers in {"Accept": "text/csv"}, {"If_None_Match": "*"}, {"Last_Event_ID": "1:1"}:
        assert alice.get("/app", **headers).body == plain.body


def test_pages_have_the_persons_language_and_theme(alice):
    def look():
        return re.search(rb"<html ([^>]*)>", alice.get("/app/settings").body)[1].decode()

    assert look() == 'lang="en" dir="ltr" data-theme="system"'
    for patch, expected in [({"theme": "dark"}, 'lang="en" dir="ltr" data-theme="dark"'), ({"locale": "de-CH"}, 'lang="de-CH" dir="ltr" data-theme="dark"'),
                            ({"locale": "ar", "theme": "light"}, 'lang="ar" dir="rtl" data-theme="light"'), ({"locale": None}, 'lang="en" dir="ltr" data-theme="light"')]:  # fmt: skip
        assert alice.patch("/v1/me", patch).status == 200
        assert look() == expected
        assert expected in alice.get("/").body.decode()


def test_a_session_that_is_over_opens_nothing(alice):
    assert alice.get("/app").status == 200
    assert alice.delete("/v1/me/sessions").status == 204
    ends_within_a_second(time.monotonic(), lambda: alice.get("/app").status == 200)
    assert alice.get("/app").status == 303
    assert data_of(alice.get("/"))["/auth/session"] == {"signed_in": False}


def test_files_come_in_the_form_that_the_client_takes(browse, site):
    tags = set()
    for accepted, coding, suffix in [(None, None, ""), ("gzip", "gzip", ".gz"), ("gzip, deflate, br, zstd", "br", ".br"), ("br;q=0, gzip;q=0.1", "gzip", ".gz"), ("zstd", None, "")]:
        headers = {} if accepted is None else {"Accept-Encoding": accepted}
        if accepted is None:
            headers = {"Accept-Encoding": "identity"}
        reply = browse("/assets/app-1a2b.js", **headers)
        body = (site / f"assets/app-1a2b.js{suffix}").read_bytes()
        assert (reply.status, reply.body, reply.headers["Content-Encoding"]) == (200, body, coding)
        assert (reply.headers["Vary"], reply.headers["Cache-Control"]) == ("Accept-Encoding", IMMUTABLE)
        assert reply.headers["Content-Type"] == "text/javascript; charset=utf-8"
        tag = base64.urlsafe_b64encode(hashlib.sha256(body).digest()).rstrip(b"=").decode()
        assert reply.headers["ETag"] == f'"{tag}"'
        tags.add(tag)
        known = browse("/assets/app-1a2b.js", If_None_Match=f'W/"x", "{tag}"', **headers)
        assert (known.status, known.body, known.headers["ETag"]) == (304, b"", f'"{tag}"')
        assert (known.headers["Vary"], known.headers["Cache-Control"]) == ("Accept-Encoding", IMMUTABLE)
        assert browse("/assets/app-1a2b.js", If_None_Match='"x"', **headers).status == 200
    assert len(tags) == 3


def test_files_without_a_hash_in_their_name_are_asked_for_again(browse):
    icon = browse("/favicon.svg")
    assert (icon.status, icon.headers["Content-Type"], icon.headers["Cache-Control"]) == (200, "image/svg+xml", "no-cache")
    assert browse("/favicon.svg", If_None_Match=icon.headers["ETag"]).status == 304


@pytest.mark.parametrize("path", ["/", "/app", "/favicon.svg", "/assets/app-1a2b.js"])
def test_head_is_get_without_a_body(browse, path):
    got, head = browse(path), browse(path, "HEAD")
    assert (head.status, head.body) == (got.status, b"")
    for reply in got, head:
        del reply.headers["Date"]
    assert head.headers.items() == got.headers.items()


@pytest.mark.parametrize("path", [
    "/index.html", "/assets/", "/assets", "/assets/app-1a2b.js.gz", "/assets/../favicon.svg", "/assets/%2e%2e/favicon.svg", "/etc/passwd", "/favicon.svg/",
    "/application", "//app", "/%61pp", "/App", "/metrics", "/assets/..%2findex.html",
])  # fmt: skip
def test_what_is_no_page_and_no_file_is_not_found(browse, path):
    reply = browse(path)
    assert (reply.status, reply.code) == (404, "not_found")


def test_pages_take_no_other_method(browse):
    for path in "/", "/app", "/app/settings", "/favicon.svg":
        for method in "POST", "PUT", "DELETE", "OPTIONS":
            reply = browse(path, method)
            assert (reply.status, reply.headers["Allow"]) == (405, "GET, HEAD")


def test_who_comes_to_localhost_is_sent_to_the_public_url(browse, gateway, site, api):
    for path in "/", "/?return_to=/app", "/app/settings":
        page = browse(path, Host=f"localhost:{api.port}")
        assert (page.status, page.headers["Location"]) == (303, api.url + path)
    for host in f"127.0.0.1:{api.port}", "localhost", f"localhost:{api.port + 1}", f"localhost.evil.example:{api.port}", "evil.example":
        assert browse("/", Host=host).status == 200, host
    assert browse("/favicon.svg", Host=f"localhost:{api.port}").status == 200


def test_a_sign_in_that_fails_is_told_on_a_page(gateway, site, tmp_path):
    (tmp_path / "secret").write_text("s")
    setting = f"gone issuer=http://127.0.0.1:1 client-id=tokpay secret-file={tmp_path}/secret label=Gone"
    served, bare = gateway(web=site, provider=setting).url, gateway(web="", provider=setting).url
    for path, status, code in [
        ("/auth/login?provider=gone", 503, "provider_unavailable"), ("/auth/login?provider=other", 404, "not_found"),
        ("/auth/login?provider=gone&return_to=//evil.example", 422, "invalid_request"), ("/auth/callback/gone?code=x&state=y", 400, "sign_in_expired"),
        ("/auth/callback/other", 404, "not_found"),
    ]:  # fmt: skip
        problem, page = Client(url=served).get(path, Accept="*/*"), Client(url=served).get(path, Accept="text/html,*/*;q=0.8")
        assert Client(url=bare).get(path, Accept="text/html").code == code
        assert (page.status, page.headers["Content-Type"], page.headers["Retry-After"]) == (status, "text/html; charset=utf-8", problem.headers["Retry-After"])
        assert data_of(page)["/auth/error"] == {"code": code, "detail": problem.json["detail"]}
        assert (problem.status, problem.code) == (status, code)
        assert page.headers["Content-Security-Policy"] == PAGE_HEADERS["Content-Security-Policy"]


def test_without_the_setting_there_are_no_pages(gateway):
    client = Client(url=gateway(web="").url)
    for path in "/", "/app", "/app/settings", "/favicon.svg", "/assets/app-1a2b.js":
        assert (client.get(path).status, client.post(path, {}).status) == (404, 404)
    client.close()


@pytest.mark.parametrize("index, words", [
    (None, "cannot read"), ("<html><!--data--></html>", "index.html needs"), (HTML.replace("<!--data-->", ""), "index.html needs"),
    (HTML.replace("<!--data-->", "<!--data--><!--data-->"), "index.html needs"),
])  # fmt: skip
def test_a_directory_without_the_app_is_refused_at_the_start(tmp_path, index, words):
    if index is not None:
        (tmp_path / "index.html").write_text(index)
    for directory in tmp_path, tmp_path / "missing":
        done = subprocess.run([PROGRAM, "--config", settings_file(), f"--web={directory}", "--check"], capture_output=True, text=True, timeout=30)
        assert done.returncode == 1
        assert "setting web: " in done.stderr and str(directory) in done.stderr
        assert directory != tmp_path or words in done.stderr


def test_pages_and_files_have_few_names_in_the_metrics(browse, api):
    for path in "/", "/app", "/app/a", "/app/a/b", "/favicon.svg", "/assets/app-1a2b.js", "/nothing":
        browse(path)
    client = Client(url=api.admin_url)
    routes = set(re.findall(r'tokpay_http_responses_total\{route="([^"]+)"', client.get("/metrics").body.decode()))
    client.close()
    assert {route for route in routes if not route.split(" ")[-1].startswith(("/v1/", "/auth/", "/openapi"))} == {
        "none", "GET /", "GET /app", "GET /app/{page}", "GET /{file}"}  # fmt: skip
