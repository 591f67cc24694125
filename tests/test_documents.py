"""What the documents say happens: their commands run as written and print what is shown beneath.

They run on the instance of TOKPAY_TEST_RUN_DIR, with accounts of their own.
"""

import documents
import pytest

PAGES = [page for page in documents.pages() if page.is_relative_to(documents.CHECKOUT / "docs")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_its_commands_print_what_it_shows(page, tmp_path):
    found = documents.blocks(page.read_text())
    assert {block.language for block in found} <= set(documents.RUN)
    for language, group in documents.sessions(found):
        for block, printed in zip(group, documents.paste(language, [block.text for block in group], tmp_path)):
            if block.shows is None:
                assert "ERROR" not in printed, f"{page.name}:{block.line} prints\n{printed}"
            else:
                assert documents.shows(block.shows, printed), f"{page.name}:{block.line} prints\n{printed}"


@pytest.mark.parametrize("shown, printed, same", [
    ("a  b\n", "a b\n", True), ("a\n---+--\nb", "a\n-----+---\nb\n", True), ("id …", "id 17\n", True), ("…\nend", "1\n2\nend\n", True),
    ("…\nend", "end\n", True), ("a\n", "a\nb\n", False), ("a\nb\n", "a\n", False), ("id …", "id 1\n2\n", False), ("a.c", "abc\n", False),
])  # fmt: skip
def test_what_is_shown_and_what_is_not(shown, printed, same):
    assert documents.shows(shown, printed) == same
