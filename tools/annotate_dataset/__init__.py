"""Questions for passages that have none: handed out, checked against the text, taken in."""
