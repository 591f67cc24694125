"""patroni/pgbackrest-push: which files count as archived although the archive has another content under their name."""

import pathlib
import subprocess

import pytest

PROGRAM = pathlib.Path(__file__).resolve().parent.parent / "patroni/pgbackrest-push"
DUPLICATE = 45
# As PostgreSQL writes it: timelines 1 to 55 (0x37) that were left, and where.
HISTORY = "1\t0/43480610\tno recovery target specified\n\n55\t1/4391C308\tno recovery target specified\n"


@pytest.fixture
def archive(tmp_path):
    """A function that archives a file with a pgBackRest that ends with a status: the status, and what was said."""
    (tmp_path / "pg_wal").mkdir()
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin/pgbackrest"

    def run(name, status, history="00000038.history"):
        program.write_text(f'#!/bin/sh\necho "$@" >{tmp_path}/asked\nexit {status}\n')
        program.chmod(0o755)
        if history:
            (tmp_path / "pg_wal" / history).write_text(HISTORY)
        done = subprocess.run([PROGRAM, f"pg_wal/{name}"], cwd=tmp_path, env={"PATH": f"{tmp_path}/bin:/usr/bin:/bin"}, capture_output=True, text=True)
        assert (tmp_path / "asked").read_text() == f"--stanza=tokpay archive-push pg_wal/{name}\n"
        return done.returncode, done.stderr

    return run


@pytest.mark.parametrize("status", [0, 25, 82])
def test_what_pgbackrest_says_goes(archive, status):
    assert archive("000000370000000100000043", status) == (status, "")


@pytest.mark.parametrize("name", ["000000370000000100000043", "000000370000000100000043.partial", "0000003700000001000000FF", "000000370000000200000000",
                                  "000000010000000000000043", "000000360000000000000001"])  # fmt: skip
def test_beyond_the_end_of_a_timeline_that_was_left_nothing_is_needed(archive, name):
    status, said = archive(name, DUPLICATE)
    assert status == 0 and name in said


@pytest.mark.parametrize("name", ["000000370000000100000042", "000000370000000000000043", "000000010000000000000042", "000000380000000100000043",
                                  "000000380000000100000043.partial", "00000037.history", "000000370000000100000043.00000028.backup"])  # fmt: skip
def test_a_duplicate_of_these_books_own_stays_an_error(archive, name):
    assert archive(name, DUPLICATE) == (DUPLICATE, "")


def test_on_the_first_timeline_every_duplicate_is_an_error(archive):
    assert archive("000000010000000000000001", DUPLICATE, history=None) == (DUPLICATE, "")
