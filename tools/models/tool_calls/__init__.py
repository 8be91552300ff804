"""Calls of functions by a model: its family's syntax, read and written. No MLX."""
