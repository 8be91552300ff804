"""Tables of results: standings and match lists to seasons, texts, and questions answered from the cells."""
