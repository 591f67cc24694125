"""Gateways of a test's own on the instance's database, with other settings, and what they take and tell."""

import http.client
import os
import pathlib
import re
import signal
import subprocess
import threading
import time

import pytest
from http_client import Client, environment
from ports import free_ports

CHECKOUT = pathlib.Path(__file__).resolve().parent.parent
# API keys, tokens, and passwords in URIs.
SECRETS = re.compile(r"tokpay_[0-9a-f]{64}|eyJ[A-Za-z0-9_-]{10,}\.|postgresql://[^ ]*:[^ ]*@")
PROGRAM = pathlib.Path(os.environ.get("TOKPAY_TEST_GATEWAY", CHECKOUT / "build/gateway/tokpay-gateway"))


def eventually(condition, seconds, what):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, f"{what}: not within {seconds} s"
        time.sleep(0.02)


def settings_file():
    """The instance's own settings of its gateway."""
    run_dir = pathlib.Path(environment("TOKPAY_TEST_RUN_DIR", "the instance's directory"))
    home = run_dir / "home"
    return (home if home.is_symlink() else run_dir) / "gateway.conf"


class GatewayProcess:
    def __init__(self, config=None, port=None, reads_log=True, is_ready=True, **settings):
        """config: the file instead of the instance's own. settings: public_url="…" is the flag --public-url.
        Without reads_log its log is a pipe that nobody reads before read_log(). is_ready: it is to become that."""
        free_port, self.admin_port = free_ports(2)
        self.port = port or free_port
        self.admin_url = f"http://127.0.0.1:{self.admin_port}"
        scheme = "https" if "tls_key" in settings else "http"
        self.url = f"{scheme}://127.0.0.1:{self.port}"
        flags = {"listen": f"127.0.0.1:{self.port}", "admin_listen": f"127.0.0.1:{self.admin_port}", "threads": 2, **settings}
        arguments = [f"--{name.replace('_', '-')}={value}" for name, value in flags.items()]
        self.process = subprocess.Popen([PROGRAM, "--config", config or settings_file(), *arguments], stderr=subprocess.PIPE, text=True)
        self.log = []
        self.reader = threading.Thread(target=lambda: self.log.extend(self.process.stderr), daemon=True)
        if reads_log:
            self.read_log()
        eventually(lambda: self.process.poll() is not None or self.answers("/readyz" if is_ready else "/livez"), 30, "the gateway")
        assert self.process.poll() is None, "".join(self.log)

    def answers(self, path):
        try:
            return Client(url=self.admin_url).get(path).status == 200
        except (OSError, http.client.HTTPException):
            return False

    def read_log(self):
        if self.reader.ident is None:
            self.reader.start()

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self):
        """SIGTERM; everything it wrote, once it has ended well."""
        self.read_log()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=60)
        self.reader.join()
        text = "".join(self.log)
        assert self.process.returncode == 0, text
        assert not SECRETS.search(text), text
        return text


def metric(process, name):
    """The present value, name with its labels."""
    client = Client(url=process.admin_url)
    lines = client.get("/metrics").body.decode().splitlines()
    client.close()
    return next(float(line.removeprefix(name)) for line in lines if line.startswith(name + " "))


def rss_kib(process):
    text = pathlib.Path(f"/proc/{process.process.pid}/status").read_text()
    return int(re.search(r"^VmRSS:\s+(\d+)", text, re.M)[1])


class Growth:
    """How much more memory a process has than at first, at most."""

    def __init__(self, process):
        self.process = process
        self.first = self.most = rss_kib(process)

    def look(self):
        self.most = max(self.most, rss_kib(self.process))

    @property
    def mib(self):
        return (self.most - self.first) / 1024


@pytest.fixture(scope="module")
def gateway():
    """A function that starts gateways; the module's end stops them."""
    started = []

    def start(**settings):
        started.append(GatewayProcess(**settings))
        return started[-1]

    yield start
    for process in started:
        process.stop()
