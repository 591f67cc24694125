"""What instance/tokpay stops, and what it leaves alone, in a directory that holds no more than a gateway and a stand-in
for the demo provider; as root it writes nothing where the servers' user could have laid a link."""

import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest
from ports import free_ports
from private_instance import CHECKOUT, PORTS, PROGRAM, call
from processes import eventually, process_state

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root has more rights than the servers")


class RunDir:
    def __init__(self):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="tokpay-instance-"))
        self.path.chmod(0o755)
        self.environment = {**os.environ, "RUN_DIR": str(self.path)}
        self.environment |= {name: str(port) for name, port in zip(PORTS, free_ports(len(PORTS)), strict=True)}
        self.call("make_directories; make_passwords")

    def call(self, function):
        call(function, self.path, self.environment)

    def start(self):
        """The pids of a gateway that has no database, and of a provider that does nothing."""
        (self.path / "gateway.conf").write_text("".join(f"{name} = {value}\n" for name, value in {
            "listen": f"127.0.0.1:{self.environment['HTTP_PORT']}",
            "admin-listen": f"127.0.0.1:{self.environment['ADMIN_PORT']}",
            "database": "postgresql://nobody@127.0.0.1:1/nothing",
            "admin-database": "postgresql://nobody@127.0.0.1:1/nothing",
        }.items()))
        shutil.copy(PROGRAM, self.path / "bin/tokpay-gateway")
        (self.path / "provider").mkdir()
        (self.path / "provider/server.mjs").write_text("setInterval(() => {}, 1000)")
        self.call("""
            launch gateway "$home/bin/tokpay-gateway" --config "$home/gateway.conf"
            launch provider "$(command -v node)" "$home/provider/server.mjs" "$home/provider.json"
            until running gateway && running provider; do sleep 0.05; done""")
        return [int((self.path / f"{part}.pid").read_text()) for part in ("gateway", "provider")]

    def stop(self, *prefix):
        done = subprocess.run([*prefix, CHECKOUT / "instance/tokpay", "stop"], env=self.environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture
def run_dir():
    made = RunDir()
    yield made
    made.stop()
    shutil.rmtree(made.path)


def all_end(pids):
    eventually(lambda: all(process_state(pid)[0] == "Z" for pid in pids), 1, "the end of all servers")


def test_stop_finds_servers_whose_pid_files_say_nothing(run_dir):
    pids = run_dir.start()
    bystander = subprocess.Popen(["tail", "-f", run_dir.path / "gateway.conf"])
    (run_dir.path / "gateway.pid").unlink()
    (run_dir.path / "provider.pid").write_text("")
    assert run_dir.stop() == "TokPay is stopped\n"
    all_end(pids)
    assert bystander.poll() is None
    bystander.kill()


@AS_ROOT
def test_stop_works_on_a_file_system_that_has_become_read_only(run_dir):
    pids = run_dir.start()
    remount = 'mount --bind "$RUN_DIR" "$RUN_DIR" && mount -o remount,ro,bind "$RUN_DIR" && exec "$0" "$@"'
    said = run_dir.stop("unshare", "--mount", "sh", "-c", remount)
    assert "read-only file system" in said and said.endswith("TokPay is stopped\n")
    all_end(pids)


@AS_ROOT
def test_root_follows_no_link_that_the_servers_user_has_laid(run_dir):
    shutil.chown(run_dir.path / "log", "postgres")
    (run_dir.path / "data").mkdir()
    shutil.chown(run_dir.path / "data", "postgres")
    outside = run_dir.path / "outside"
    outside.mkdir()
    (run_dir.path / "log/provider.log").symlink_to(outside / "file")
    (run_dir.path / "data/tokpay.conf.new").symlink_to(outside)
    (run_dir.path / "data/pg_hba.conf.new").symlink_to(outside)
    run_dir.call("launch provider true; wait; ports=(); write_settings || :")
    assert list(outside.iterdir()) == []


@AS_ROOT
def test_root_uses_no_directory_of_the_servers_user(run_dir):
    shutil.chown(run_dir.path, "postgres")
    done = subprocess.run([CHECKOUT / "instance/tokpay", "status"], env=run_dir.environment, capture_output=True, text=True, timeout=60)
    assert "has to be root's" in done.stderr
    shutil.chown(run_dir.path, "root")


def test_what_the_world_sees_reaches_the_gateway_by_its_settings(run_dir):
    run_dir.environment |= {"PUBLIC_URL": "https://pay.example", "TRUSTED_PROXIES": "10.0.0.1"}
    run_dir.call('wallet_settings() { :; }; gateway_settings >"$home/gateway.conf"')
    bare = {name: value for name, value in run_dir.environment.items() if name not in ("PUBLIC_URL", "TRUSTED_PROXIES")}
    done = subprocess.run([PROGRAM, "--check", "--config", run_dir.path / "gateway.conf"], env=bare, capture_output=True, text=True, timeout=20)
    assert done.returncode == 1 and "demo-funding" in done.stdout + done.stderr
