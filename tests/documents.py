"""The documents, and what is in them: links, and blocks of code that a reader pastes.

A block of sh, sql, python or javascript is run; the block of text behind it is what it shows. Neighbours of one language are
one session, as for a reader who pastes one after another.
"""

import itertools
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
MADE = {".git", ".run", "build", "node_modules"}
TIMEOUT_S = 60
END_OF_BLOCK = "-- this block has ended --"

# What runs a session, and what prints the end of a block.
RUN = {
    "sh": (["bash", "-e", "-u", "-c"], f"echo '{END_OF_BLOCK}'"),
    "sql": (["psql", "--no-psqlrc", "-d"], f"\\echo '{END_OF_BLOCK}'"),
    "python": (["/usr/bin/python3", "-u", "-c"], f"print('{END_OF_BLOCK}')"),
    "javascript": (["node", "--input-type=module", "--eval"], f"console.log('{END_OF_BLOCK}')"),
}


@dataclass
class Block:
    language: str
    text: str
    line: int
    shows: str = None


def pages():
    """Every document of the repository."""
    found = []
    for directory, folders, files in os.walk(CHECKOUT):
        folders[:] = [name for name in folders if name not in MADE]
        found += [Path(directory, name) for name in files if name.endswith(".md")]
    return sorted(found)


def blocks(markdown):
    """The blocks that have a language; what one shows is with it."""
    found = []
    for match in re.finditer(r"^```(\w+)\n(.*?)^```$", markdown, re.M | re.S):
        language, text = match.groups()
        line = markdown.count("\n", 0, match.start()) + 1
        if language == "text":
            assert found and found[-1].shows is None, f"line {line}: nothing shows this"
            found[-1].shows = text
        else:
            found.append(Block(language, text, line))
    return found


def sessions(found):
    return [(language, list(group)) for language, group in itertools.groupby(found, lambda block: block.language)]


def here(text):
    """A text of the reader's, with this run's ports and directory."""
    for written, variable in (("http://127.0.0.1:8080", "HTTP"), ("http://127.0.0.1:9090", "ADMIN"), (".run", "RUN_DIR")):
        text = re.sub(re.escape(written) + r"(?!\w)", os.environ[f"TOKPAY_TEST_{variable}"], text)
    return text


def paste(language, texts, directory):
    """What each of these blocks prints, as a reader sees it. directory is where they work."""
    command, end = RUN[language]
    program = "".join(f"{here(text)}{end}\n" for text in texts)
    stdin = None
    if language == "sql":
        stdin, program = program, Path(os.environ["TOKPAY_TEST_RUN_DIR"], "pg-url").read_text().strip()
    done = subprocess.run([*command, program], input=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        timeout=TIMEOUT_S, cwd=directory)  # fmt: skip
    printed = done.stdout.split(END_OF_BLOCK + "\n")
    assert done.returncode == 0 and len(printed) == len(texts) + 1, done.stdout
    return printed[:-1]


def lines(text):
    """A text's lines, blank ones, spaces and the rules of tables aside."""
    return [" ".join(line.split()) for line in text.splitlines() if not re.fullmatch(r"[-+ ]*", line)]


def shows(shown, printed):
    """Whether that was printed: … stands for something within a line, and on a line of its own for lines."""
    wanted = ["(.*\n)*?" if line == "…" else ".*?".join(map(re.escape, line.split("…"))) + "\n" for line in lines(shown)]
    return re.fullmatch("".join(wanted), "".join(line + "\n" for line in lines(printed))) is not None
