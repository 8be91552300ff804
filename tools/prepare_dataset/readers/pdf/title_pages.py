"""The pages before the text: half-title, title page, imprint. Their large lines are no chapters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tools.prepare_dataset.readers.pdf.paragraphs import Paragraph

_FEWEST = 400  # characters of running text on a page that is no title page


def settle_title_pages(paragraphs: Sequence[Paragraph]) -> None:
    """Leave one heading on the pages before the text, the book's title, where it stands above all others.

    Levels that are no longer in use are closed up.
    """
    text: Counter[int] = Counter()
    for paragraph in paragraphs:
        for row in paragraph.rows:
            text[row.page] += 0 if paragraph.level else len(row.text)
    begins = min((page for page, length in text.items() if length >= _FEWEST), default=0)
    headings = [paragraph for paragraph in paragraphs if paragraph.level]
    front = [paragraph for paragraph in headings if paragraph.rows[0].page < begins]
    top = min((paragraph.level for paragraph in headings if paragraph.rows[0].page >= begins), default=0)
    title = min(front, key=lambda paragraph: paragraph.level, default=None)
    for paragraph in front:
        if paragraph is not title or paragraph.level >= top:
            paragraph.level = 0
    levels = sorted({paragraph.level for paragraph in headings} - {0})
    for paragraph in headings:
        paragraph.level = levels.index(paragraph.level) + 1 if paragraph.level else 0
