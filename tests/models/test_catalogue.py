"""What the catalogue says, checked against published sizes and the names people type."""

from __future__ import annotations

import pytest

from tools.models.catalogue import CATALOGUE, DEFAULT, find
from tools.workspace.names import check_name

# Parameters as the makers' model cards and safetensors indexes tell them.
PUBLISHED = {
    "smollm2-135m": 134_515_008,
    "mistral-7b-instruct-v0.3-4bit": 7_248_023_552,
    "llama-3.1-8b-instruct-4bit": 8_030_261_248,
    "qwen2.5-7b-instruct-4bit": 7_615_616_512,
    "llama-3.2-3b-instruct-4bit": 3_212_749_824,
    "qwen2.5-14b-instruct-4bit": 14_770_033_664,
    "qwen2.5-3b-instruct-4bit": 3_085_938_688,
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_shapes_give_the_published_parameters(name: str) -> None:
    assert CATALOGUE[name].parameters == PUBLISHED[name]


def test_the_default_is_the_first_and_names_are_names() -> None:
    assert next(iter(CATALOGUE)) == DEFAULT
    for name in CATALOGUE:
        assert check_name(name, "name") == name


def test_sizes_are_those_of_the_repositories() -> None:
    assert CATALOGUE["mistral-7b-instruct-v0.3-4bit"].bytes == pytest.approx(4.08e9, rel=0.01)
    assert CATALOGUE["llama-3.1-8b-instruct-4bit"].bytes == pytest.approx(4.52e9, rel=0.01)
    assert CATALOGUE["mistral-7b-instruct-v0.3-8bit"].bytes == pytest.approx(7.70e9, rel=0.01)


def test_every_entry_tells_the_shape_that_a_plan_needs() -> None:
    for entry in CATALOGUE.values():
        info = entry.info()
        assert info.weight_bytes == entry.bytes
        assert info.heads * info.head_dim >= info.hidden_size
        assert entry.bits <= info.bits <= entry.bits + 2


def test_eight_bits_and_tight_fits_come_with_a_warning() -> None:
    for entry in CATALOGUE.values():
        if entry.bits == 8 or entry.fit in ("tight", "inference only"):
            assert entry.warning


@pytest.mark.parametrize(
    "typed",
    [
        "llama-3.1-8b-instruct-4bit",
        "mlx-community/Meta-Llama-3.1-8B-Instruct-4bit",
        "mlx-community/Llama-3.1-8B-Instruct-4bit",
        "Meta-Llama-3.1-8B-Instruct-4bit",
    ],
)
def test_a_repository_is_found_by_the_names_in_use(typed: str) -> None:
    entry = find(typed)
    assert entry is not None
    assert entry.name == "llama-3.1-8b-instruct-4bit"


def test_other_names_are_not_found() -> None:
    assert find("mlx-community/outro") is None
    assert find("outra-org/Llama-3.1-8B-Instruct-4bit") is None
    assert find("") is None
