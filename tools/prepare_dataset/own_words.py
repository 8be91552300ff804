"""What a book itself sums up and answers: its summaries of chapters, its questions with their answers.

Both are copied as they stand. All other summaries and questions need a writer: annotate_dataset takes them in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tools.prepare_dataset.chapters import Chapter
from tools.prepare_dataset.material import Exchange, Source, Span
from tools.prepare_dataset.wording import Wording

_SUMMARY = re.compile(
    r"^[ \t]*(?P<marks>#{1,6}[ \t]+|[*_]{2})?(?:(?:em[ \t]+)?resumo(?:[ \t]+d[oe](?:ste)?[ \t]+capítulo)?"
    r"|síntese|sinopse|(?:in[ \t]+|chapter[ \t]+)?summary|synopsis|abstract)[ \t]*(?:[.:][ \t]*)?[*_]{0,2}[ \t]*$",
    re.IGNORECASE | re.MULTILINE,
)
_HEADING = re.compile(r"^(?:#{1,6}[ \t]+\S|[*_]{2}[^*_\n]{1,80}[*_]{2}[ \t]*$)", re.MULTILINE)
_MARKED = r"(?:[ \t]+\d{1,3})?[ \t]*[:.–—-][*_]{0,2}[ \t]*"
_ASKED = re.compile(
    rf"^[ \t]*[*_]{{0,2}}(?:Pergunta|Question){_MARKED}(?P<ask>[^\n]{{8,400}}\?)[*_]{{0,2}}[ \t]*\n\s*"
    rf"[*_]{{0,2}}(?:Resposta|Answer){_MARKED}(?P<answer>[^\n]{{1,1500}}?)[ \t]*$",
    re.IGNORECASE | re.MULTILINE,
)
_SHORTEST, _LONGEST = 80, 3000  # characters of a summary
_MOST_SHARE = 1 / 3  # of the chapter that it sums up


def own_words(source: Source, chapter: Chapter, title: str, words: Wording) -> Iterator[Exchange]:
    """The exchanges that a chapter gives by itself. title: of the book."""
    summary = _summary(source.text, chapter)
    if summary is not None:
        ask = words.summarize_chapter.format(place=chapter.title, title=title)
        yield _exchange(source, chapter, *summary, ask, source.text[slice(*summary)], "summary")
    for match in _ASKED.finditer(source.text, chapter.start, chapter.end):
        yield _exchange(source, chapter, match.start(), match.end(), match["ask"], match["answer"], "question")


def _summary(text: str, chapter: Chapter) -> tuple[int, int] | None:
    """The characters of a chapter's own summary, where it has one under a heading that says so."""
    found = list(_SUMMARY.finditer(text, chapter.start, chapter.end))
    if len(found) != 1:
        return None
    start = found[0].end()
    following = _HEADING.search(text, start, chapter.end)
    inside = text[start : following.start() if following else chapter.end]
    if found[0]["marks"] is None:
        # A line without marks is the heading of the paragraph below it alone.
        inside = re.match(r"\s*(?:\S[^\n]*\n?)*", inside).group()  # type: ignore[union-attr]
    begin = start + len(inside) - len(inside.lstrip())
    length = len(inside.strip())
    if not _SHORTEST <= length <= min(_LONGEST, _MOST_SHARE * (chapter.end - chapter.start)):
        return None
    return begin, begin + length


def _exchange(source: Source, chapter: Chapter, start: int, end: int, ask: str, answer: str, form: str) -> Exchange:
    turns = ({"role": "user", "content": ask.strip()}, {"role": "assistant", "content": answer.strip()})
    span = Span(source.name, "book", f"{source.name}#{chapter.title}", chapter.title, start, end)
    return Exchange(span, turns, "summary" if form == "summary" else "question")
