"""The references are what the sources say, and no link of a document leads nowhere."""

import re
import sys

import documents
import pytest

sys.path.insert(0, str(documents.CHECKOUT / "docs"))
import http_reference  # noqa: E402
import sql_reference  # noqa: E402


def test_the_sql_reference_is_what_the_catalog_says(database):
    connection = database.connect()
    assert sql_reference.FILE.read_text() == sql_reference.reference(connection), "make docs writes it anew"


def test_the_http_reference_is_what_the_description_says():
    assert http_reference.FILE.read_text() == http_reference.reference(), "make docs writes it anew"


def anchors(text):
    """The names by which GitHub links to headings."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"(?ms)^```.*?^```$", "", text), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", documents.pages(), ids=lambda page: str(page.relative_to(documents.CHECKOUT)))
def test_its_links_lead_somewhere(page):
    text = page.read_text()
    links = re.findall(r"\]\(([^)#\s]*)(?:#([^)\s]+))?\)", text) + re.findall(r'src="([^"]+)"()', text)
    for file, anchor in links:
        if re.match(r"\w+:", file):
            continue
        target = (page.parent / file).resolve() if file else page
        assert target.exists(), file
        if anchor:
            assert anchor in anchors(target.read_text()), f"{file}#{anchor}"
