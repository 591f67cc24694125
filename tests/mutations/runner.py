"""Runs the mutations: each is built, installed for a server of its own, and its tests have to fail. run calls it."""

import contextlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree

from mutations.table import CHECKOUT, read_mutations
from private_server import PrivateServer

DIRECTORY = CHECKOUT / "build/mutations"
BUILT = DIRECTORY / "built"  # the sources as they are, and their objects
TREE = DIRECTORY / "tree"  # a copy of these with a mutation
OUTPUT = DIRECTORY / "output"
RESULTS = DIRECTORY / "results.xml"
TIMEOUT_S = 180  # of a test
BASELINE_TIMEOUT_S = 900  # of all tests of a file
# Short random runs; every run the same.
ENVIRONMENT = {"SEED": "1", "ORACLE_OPERATIONS": "4000", "CONCURRENCY_SECONDS": "4"}
SETTINGS = "max_connections = 200\nmax_prepared_transactions = 20\n"


class Failure(Exception):
    """Why a mutation proves nothing."""


def run(*command, timeout=TIMEOUT_S, **environment):
    """The exit status; what it prints goes to OUTPUT. Whatever it has started ends with it."""
    with open(OUTPUT, "wb") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
            cwd=CHECKOUT, env={**os.environ, **ENVIRONMENT, **environment})  # fmt: skip
        try:
            return process.wait(timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise Failure(f"did not end within {timeout} s: {' '.join(map(str, command))}") from None


def make(tree, *targets):
    if run("make", "-s", f"-j{os.cpu_count()}", "-C", tree / "extension", f"PG_CONFIG={PG_CONFIG}", *targets) != 0:
        raise Failure("make failed")


def pg_config(option=None):
    command = [CHECKOUT / "instance/pg-config"] if option is None else [PG_CONFIG, option]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def make_private(directory, name):
    """Puts a copy in the place of one of PostgreSQL's directories."""
    shutil.copytree(directory, DIRECTORY / name, symlinks=True)
    subprocess.run(["mount", "--bind", DIRECTORY / name, directory], check=True)


def prepare():
    """Builds the sources as they are, away from the checkout."""
    assert os.readlink("/proc/self/ns/mnt") != os.environ["TOKPAY_HOST_MOUNTS"], "mounts are not private"
    shutil.rmtree(DIRECTORY, ignore_errors=True)
    DIRECTORY.mkdir(parents=True)
    make_private(pg_config("--pkglibdir"), "lib")
    make_private(pg_config("--sharedir") + "/extension", "extension")
    shutil.copytree(CHECKOUT / "extension", BUILT / "extension", ignore=shutil.ignore_patterns("*.o", "*.so", "*.bc", "tokpay--*.sql"))
    shutil.copytree(CHECKOUT / "sql", BUILT / "sql")
    make(BUILT)


@contextlib.contextmanager
def server(tree):
    """A server with the extension of that tree; crashed() tells whether one of its processes has crashed."""
    make(tree, "install")
    made = PrivateServer(SETTINGS)
    made.crashed = lambda: re.search("PANIC|was terminated by signal", (made.directory / "log").read_text()) is not None
    try:
        yield made
    finally:
        made.postmaster.send_signal(signal.SIGQUIT)  # whatever its backends are doing
        made.remove()


def run_sql(files, url, **_):
    """The numbers of passed and failed tests of SQL files, in all."""
    run("tests/run_sql", *files, TOKPAY_TEST_PG_URL=url, HARNESS_VERBOSE="1")
    output = OUTPUT.read_text(errors="replace")
    return len(re.findall("^ok ", output, re.M)), len(re.findall("^not ok ", output, re.M))


def has_failed(case):
    """Whether a test has failed, or its books are wrong afterwards, which the fixtures of conftest.py look at."""
    ended = case.find("error")
    return case.find("failure") is not None or (ended is not None and "teardown" in ended.get("message") and "assert" in ended.get("message"))


def run_pytest(tests, url, timeout=TIMEOUT_S, options=("-x",)):
    """The numbers of passed and failed tests of a file of pytest's or parts of it."""
    RESULTS.unlink(missing_ok=True)
    names = [f"tests/{test}" for test in tests]
    run("/usr/bin/python3", "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={RESULTS}", *options, *names,
        timeout=timeout, TOKPAY_TEST_PG_URL=url)  # fmt: skip
    if not RESULTS.exists():
        raise Failure("pytest did not run")
    cases = xml.etree.ElementTree.parse(RESULTS).findall(".//testcase")
    ended = {case.get("name").partition("[")[0] for case in cases if len(case) == 0}
    failed = sum(map(has_failed, cases))
    broken = sum(case.find("error") is not None for case in cases) > failed
    missing = {test.partition("::")[2].partition("[")[0] for test in tests} - {""} - ended
    return (0 if broken or (missing and not failed) else len(ended)), failed


def run_tests(tests, url, **options):
    return (run_sql if tests[0].endswith(".sql") else run_pytest)(tests, url, **options)


def check_baseline(mutations):
    """All the tests pass while nothing is broken."""
    by_file = {}
    for test in (test for mutation in mutations for test in mutation.tests):
        by_file.setdefault(test.partition("::")[0], {})[test] = None
    with server(BUILT) as made:
        for file, tests in by_file.items():
            begun = time.monotonic()
            names = [file] if file in tests else list(tests)
            passed, failed = run_tests(names, made.url, timeout=BASELINE_TIMEOUT_S, options=())
            if failed or not passed or made.crashed():
                raise Failure(f"{file} fails though nothing is broken")
            print(f"ok    {file}: {passed} passed in {time.monotonic() - begun:.0f} s")


def try_out(mutation):
    """The tests that did not fail."""
    source = CHECKOUT / mutation.file
    shutil.rmtree(TREE, ignore_errors=True)
    shutil.copytree(BUILT, TREE)
    (TREE / mutation.file).write_text(mutation.mutated(source.read_text()))
    make(TREE)
    green = []
    with server(TREE) as made:
        for test in mutation.tests:
            passed, failed = run_tests([test], made.url)
            if made.crashed() and not mutation.crashes:
                raise Failure(f"a process has crashed in {test}")
            if not failed and not passed:
                raise Failure(f"{test} did not get so far as to fail")
            if not failed:
                green.append(test)
    return green


def main(names):
    mutations = [mutation for mutation in read_mutations() if not names or mutation.name in names]
    if unknown := set(names) - {mutation.name for mutation in mutations}:
        sys.exit(f"there is no mutation {', '.join(sorted(unknown))}")
    red = green = errors = 0
    prepare()
    check_baseline(mutations)
    for mutation in mutations:
        begun = time.monotonic()
        try:
            unnoticed = try_out(mutation)
        except (AssertionError, Failure) as failure:
            errors += 1
            print(f"ERROR {mutation.name}: {failure}", OUTPUT.read_text(errors="replace")[-3000:], sep="\n")
            continue
        if unnoticed:
            green += 1
            print(f"GREEN {mutation.name}  in {', '.join(unnoticed)}: {mutation.claim}")
        else:
            red += 1
            print(f"red   {mutation.name}  by {', '.join(mutation.tests)}  in {time.monotonic() - begun:.0f} s")
    print(f"{red} red, {green} green" + (f", {errors} in error" if errors else ""))
    return bool(green or errors)


if __name__ == "__main__":
    PG_CONFIG = pg_config()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("interrupted"))  # servers and their directories go, too
    try:
        sys.exit(main(sys.argv[1:]))
    except Failure as failure:
        sys.exit(f"{OUTPUT.read_text(errors='replace')[-3000:]}\n{failure}")
