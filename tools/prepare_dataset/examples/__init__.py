"""Examples in JSON, of the forms in which datasets are made elsewhere, to units and questions."""

from tools.prepare_dataset.examples.reading import parse_examples

__all__ = ["parse_examples"]
