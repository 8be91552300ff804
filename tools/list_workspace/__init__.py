"""What the workspace holds: datasets, models, runs, adapters, evaluations."""
