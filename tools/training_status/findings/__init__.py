"""What keeps a run from going well, each with the numbers that say so and a change to try."""
