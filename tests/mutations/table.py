"""The table of mutations: what is broken on purpose, and which tests have to notice."""

import pathlib
import tomllib
from dataclasses import dataclass

LEDGER = "ledger/*.toml"
GATEWAY = "gateway.toml"
CHECKOUT = pathlib.Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class Mutation:
    """Fields of a [[mutation]]; the paths are the checkout's."""

    name: str
    claim: str  # which it breaks
    file: str
    old: str  # stands in the file exactly once
    new: str
    tests: list[str]  # each has to fail: an SQL file, file::test of pytest's, or program::Suite.Test of GoogleTest
    crashes: bool = False  # whether a backend may crash of it

    def mutated(self, text):
        """The file's text with the replacement."""
        assert text.count(self.old) == 1, f"{self.name}: the old text stands {text.count(self.old)} times in {self.file}"
        assert self.old != self.new, f"{self.name}: nothing is replaced"
        return text.replace(self.old, self.new)


def read_mutations(tables):
    """All of them, by the order of files and within them; tables is a pattern of paths beside this file."""
    tables = sorted(pathlib.Path(__file__).parent.glob(tables))
    return [Mutation(**fields) for table in tables for fields in tomllib.loads(table.read_text())["mutation"]]
