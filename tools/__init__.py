"""The work behind every face: datasets, models, training, evaluation. Imports nothing from `server`."""
