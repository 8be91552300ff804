"""PDF to text: glyphs to words, rows, columns, paragraphs and headings, without what repeats on every page."""
