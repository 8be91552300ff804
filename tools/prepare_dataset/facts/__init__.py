"""Facts that a biography states outright, found by literal patterns: precise rather than complete."""
