"""Runs the mutations: each is built, installed for a server of its own, and its tests have to fail. run calls it."""

import contextlib
import itertools
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

TESTS = CHECKOUT / "tests"
DIRECTORY = CHECKOUT / "build/mutations"
BUILT = DIRECTORY / "built"  # the sources as they are, and their objects
TREE = DIRECTORY / "tree"  # a copy of these with a mutation
OUTPUT = DIRECTORY / "output"
RESULTS = DIRECTORY / "results.xml"
TIMEOUT_S = 600  # of the tests of a file, and of a build
# Short random runs; every run the same.
ENVIRONMENT = {"SEED": "1", "ORACLE_OPERATIONS": "2500", "CONCURRENCY_SECONDS": "4"}
SETTINGS = "max_connections = 200\nmax_prepared_transactions = 20\n"


class Failure(Exception):
    """Why a mutation proves nothing."""


def run(*command, directory=CHECKOUT, **environment):
    """The exit status; what it prints goes to OUTPUT. Whatever it has started ends with it."""
    with open(OUTPUT, "wb") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
            cwd=directory, env={**os.environ, **ENVIRONMENT, **environment})  # fmt: skip
        try:
            return process.wait(TIMEOUT_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise Failure(f"did not end within {TIMEOUT_S} s: {' '.join(map(str, command))}") from None


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


def run_sql(file, url):
    """What became of an SQL file: passed, failed or broken."""
    run("tests/run_sql", file, TOKPAY_TEST_PG_URL=url, HARNESS_VERBOSE="1")
    output = OUTPUT.read_text(errors="replace")
    if re.search("^not ok ", output, re.M):
        return "failed"
    return "passed" if "All tests successful." in output else "broken"


def has_failed(case):
    """Whether a test has failed, or its books are wrong afterwards, which the fixtures of conftest.py look at."""
    ended = case.find("error")
    return case.find("failure") is not None or (ended is not None and "teardown" in ended.get("message") and "assert" in ended.get("message"))


def outcome(cases):
    if any(map(has_failed, cases)):
        return "failed"
    if any(case.find("error") is not None for case in cases) or all(len(case) > 0 for case in cases):
        return "broken"  # in its fixtures, or skipped
    return "passed"


def run_pytest(tests, url):
    """What became of tests of one file: passed, failed or broken for each."""
    RESULTS.unlink(missing_ok=True)
    run("/usr/bin/python3", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "mutations.first_failure", f"--junitxml={RESULTS}",
        *tests, directory=TESTS, TOKPAY_TEST_PG_URL=url)  # fmt: skip
    cases = {}
    if RESULTS.exists():
        for case in xml.etree.ElementTree.parse(RESULTS).findall(".//testcase"):
            cases.setdefault(case.get("name").partition("[")[0], []).append(case)
    return {test: outcome(cases.get(test.partition("::")[2], [])) for test in tests}


def run_tests(tests, url):
    """Pairs of a test and what became of it."""
    for file, some in itertools.groupby(sorted(set(tests)), lambda test: test.partition("::")[0]):
        yield from run_pytest(list(some), url).items() if file.endswith(".py") else [(file, run_sql(file, url))]


def check_baseline(mutations):
    """All the tests pass while nothing is broken."""
    with server(BUILT) as made:
        for test, became in run_tests([test for mutation in mutations for test in mutation.tests], made.url):
            if became != "passed" or made.crashed():
                raise Failure(f"{test} {became} though nothing is broken")
            print(f"ok    {test}")


def try_out(mutation):
    """The tests that did not fail."""
    shutil.rmtree(TREE, ignore_errors=True)
    shutil.copytree(BUILT, TREE)
    (TREE / mutation.file).write_text(mutation.mutated((CHECKOUT / mutation.file).read_text()))
    make(TREE)
    with server(TREE) as made:
        outcomes = dict(run_tests(mutation.tests, made.url))
        if made.crashed() and not mutation.crashes:
            raise Failure("a process of the server has crashed")
    if broken := [test for test, became in outcomes.items() if became == "broken"]:
        raise Failure(f"did not get so far as to fail: {', '.join(broken)}")
    return [test for test, became in outcomes.items() if became == "passed"]


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
