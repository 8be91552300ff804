"""Material in, a dataset version out: read, repair, cut, compose, split, check, write."""
