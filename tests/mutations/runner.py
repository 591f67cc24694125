"""Runs the mutations: each is built, installed for a server of its own, and its tests have to fail. run calls it."""

import collections
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

from mutations.table import CHECKOUT, LEDGER, read_mutations
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
# What waits for ever fails in time.
SETTINGS = "max_connections = 200\nmax_prepared_transactions = 20\nstatement_timeout = 120s\n"


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
    make_private(LIBRARIES, "lib")
    make_private(SCRIPTS, "extension")
    shutil.copytree(CHECKOUT / "extension", BUILT / "extension", ignore=shutil.ignore_patterns("*.o", "*.so", "*.bc", "tokpay--*.sql"))
    shutil.copytree(CHECKOUT / "sql", BUILT / "sql")
    make(BUILT)
    make(BUILT, "install")


def install(tree):
    """What a mutation may have changed, each file at one stroke: a backend may have the old library open."""
    built = tree / "extension"
    for file in (built / "tokpay.so", built / "tokpay.control", *built.glob("tokpay--*.sql")):
        target = pathlib.Path(LIBRARIES if file.suffix == ".so" else SCRIPTS) / file.name
        shutil.copyfile(file, target.with_suffix(".new"))
        target.with_suffix(".new").replace(target)


@contextlib.contextmanager
def server():
    """A server; crashed() tells whether one of its processes has crashed."""
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
    # A statement that should have succeeded ends the file; a server that has crashed is told apart.
    if re.search("^not ok |: ERROR:  ", output, re.M):
        return "failed"
    return "passed" if "All tests successful." in output else "broken"


def has_failed(case):
    """Whether a test has failed, or what its fixtures do before it and look at after it: without the mutation they pass."""
    return case.find("failure") is not None or case.find("error") is not None


def outcome(cases):
    if any(map(has_failed, cases)):
        return "failed"
    if all(len(case) > 0 for case in cases):
        return "broken"  # skipped, or never there
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


def check_baseline(mutations, server):
    """All the tests pass while nothing is broken."""
    for test, became in run_tests([test for mutation in mutations for test in mutation.tests], server.url):
        if became != "passed" or server.crashed():
            raise Failure(f"{test} {became} though nothing is broken")
        print(f"ok    {test}")


def build(mutation):
    shutil.rmtree(TREE, ignore_errors=True)
    shutil.copytree(BUILT, TREE)
    (TREE / mutation.file).write_text(mutation.mutated((BUILT / mutation.file).read_text()))
    make(TREE)


def unnoticed(mutation, server):
    """The tests that did not fail."""
    install(TREE)
    outcomes = dict(run_tests(mutation.tests, server.url))
    if server.crashed() and not mutation.crashes:
        raise Failure("a process of the server has crashed")
    if broken := [test for test, became in outcomes.items() if became == "broken"]:
        raise Failure(f"did not get so far as to fail: {', '.join(broken)}")
    return [test for test, became in outcomes.items() if became == "passed"]


def try_out(mutation):
    """Prints and returns what became of a mutation: red, green or error."""
    begun = time.monotonic()
    try:
        build(mutation)
        with server() as made:
            passed = unnoticed(mutation, made)
    except (AssertionError, Failure) as failure:
        print(f"ERROR {mutation.name}: {failure}", OUTPUT.read_text(errors="replace")[-3000:], sep="\n")
        return "error"
    if passed:
        print(f"GREEN {mutation.name}  in {', '.join(passed)}: {mutation.claim}")
        return "green"
    print(f"red   {mutation.name}  by {', '.join(mutation.tests)}  in {time.monotonic() - begun:.0f} s")
    return "red"


def main(names):
    mutations = [mutation for mutation in read_mutations(LEDGER) if not names or mutation.name in names]
    if unknown := set(names) - {mutation.name for mutation in mutations}:
        sys.exit(f"there is no mutation {', '.join(sorted(unknown))}")
    prepare()
    with server() as made:
        check_baseline(mutations, made)
    became = collections.Counter(map(try_out, mutations))
    print(f"{became['red']} red, {became['green']} green" + (f", {became['error']} in error" if became["error"] else ""))
    return became["red"] < len(mutations)


if __name__ == "__main__":
    PG_CONFIG = pg_config()
    LIBRARIES, SCRIPTS = pg_config("--pkglibdir"), pg_config("--sharedir") + "/extension"
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("interrupted"))  # servers and their directories go, too
    try:
        sys.exit(main(sys.argv[1:]))
    except Failure as failure:
        sys.exit(f"{OUTPUT.read_text(errors='replace')[-3000:]}\n{failure}")
