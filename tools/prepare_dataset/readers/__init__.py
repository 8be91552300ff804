"""Files of each type to text: what stands in them, in reading order, with its headings, tables and pages."""
