"""The table of mutations is true: what it replaces stands in the sources once, and the tests it names are there."""

import re

import pytest
from mutations.table import CHECKOUT, read_mutations

MUTATIONS = read_mutations()


def test_every_mutation_has_a_name_of_its_own():
    names = [mutation.name for mutation in MUTATIONS]
    assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_a_mutation_replaces_what_is_there_and_names_tests_that_are_there(mutation):
    mutation.mutated((CHECKOUT / mutation.file).read_text())
    assert mutation.tests
    for test in mutation.tests:
        file, _, name = test.partition("::")
        text = (CHECKOUT / "tests" / file).read_text()
        assert file.endswith(".sql") if not name else re.search(rf"^def {re.escape(name)}\(", text, re.M), test
