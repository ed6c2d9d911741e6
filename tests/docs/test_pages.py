"""Pages lead where they say, none is forgotten, and fragments of changes are of a known kind."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted(DOCS.glob("*.md"))]
KINDS = ("feature", "bugfix", "doc", "removal", "misc")


def _targets(page: Path) -> list[str]:
    """Where links and images lead, other than to the web."""
    prose = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    found = re.findall(r"\]\(([^)\s]+)\)", prose)
    return [target for target in found if not target.startswith(("https://", "http://"))]


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for target in _targets(page):
        path, _, anchor = target.partition("#")
        place = (page.parent / path).resolve() if path else page
        if not place.exists() or (anchor and anchor not in _anchors(place)):
            broken.append(target)
    assert broken == []


def test_every_page_is_in_the_index() -> None:
    listed = {(DOCS / target).resolve() for target in _targets(DOCS / "index.md")}
    pages = {page.resolve() for page in DOCS.glob("*.md")} - {(DOCS / "index.md").resolve()}
    assert pages - listed == set()


def test_fragments_of_changes_say_what_kind_they_are() -> None:
    fragments = [path.name for path in (ROOT / "changelog.d").glob("*.md")]
    assert fragments
    assert [name for name in fragments if name.split(".")[-2] not in KINDS] == []
