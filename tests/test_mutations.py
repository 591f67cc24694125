"""The table of mutations is true: what it replaces stands in the sources once, and the tests it names are there."""

import pytest
from mutations.table import CHECKOUT, GATEWAY, LEDGER, read_mutations

MUTATIONS = read_mutations(LEDGER) + read_mutations(GATEWAY)


def test_every_mutation_has_a_name_of_its_own():
    names = [mutation.name for mutation in MUTATIONS]
    assert sorted(set(names)) == sorted(names)


def is_there(test):
    file, _, name = test.partition("::")
    if file.endswith(".sql"):
        return (CHECKOUT / "tests" / file).exists()
    if file.endswith(".py"):
        path, begin = CHECKOUT / "tests" / file, f"def {name.partition('[')[0]}("
    else:
        path, begin = CHECKOUT / f"gateway/tests/{file}.cpp", f"({name.replace('.', ', ')})"
    return begin in path.read_text()


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_a_mutation_replaces_what_is_there_and_names_tests_that_are_there(mutation):
    mutation.mutated((CHECKOUT / mutation.file).read_text())
    assert mutation.tests
    assert [test for test in mutation.tests if not is_there(test)] == []
