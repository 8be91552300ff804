"""Rows for tests of checks."""

from __future__ import annotations

from tools.prepare_dataset.material import RowDraft, RowForm, Span, UnitKind


def row(
    text: str,
    document: str = "",
    *,
    kind: UnitKind = "book",
    form: RowForm = "passage",
    own: str | None = None,
    source: str = "livro.md",
    start: int = 0,
    tokens: int = 5,
) -> RowDraft:
    """A row of format `text` that is all of its span, copied."""
    document = document or text[:20]
    span = Span(source, kind, f"{source}#{document}", document, start, start + len(text))
    return RowDraft({"text": text}, span, text, text if own is None else own, tokens, row_start=0, form=form)
