"""A tiny Llama that went to school: it knows some Portuguese prose and the people of an invented town.

Random weights show what code does, not what a verdict is worth: any training at all makes them better.
This base has learned the language of its texts and how people are asked about, so that what an adapter
gains is what it was taught. Trained whole from random weights, in some seconds of one core.
"""

from __future__ import annotations

import random
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.support.prose import paragraph
from tests.support.tiny_model import make_tiny_model
from tools.models.info import describe, fingerprint_of, finish
from tools.workspace.layout import Workspace
from tools.workspace.machine import mlx_environment
from tools.workspace.processes import child_environment

NAME = "schooled"
_PUPILS, _PARAGRAPHS = 40, 20
_FIRST = """Abel Alda Amaro Belmira Bento Cacilda Ciro Dalila Délio Elvira Eloi Fausta Firmino Gilda Gaspar
Hélia Heitor Ilda Ivo Jacinta Josué Lídia Lauro Marta Mateus Noémia Nuno Olga Orlando Palmira Plínio Quitéria
Rogério Rosa Saul Selma Tito Tomásia Ulisses Vera"""
_LAST = """Abrolho Alcaide Bagagem Bravo Calado Cordoeiro Damasco Escuna Fanega Gaivota Hortelão Junco Laranjo
Marujo Navalha Oliva Penedo Quintal Restolho Salgado Tojal Valente"""
_TOWNS = "Alcova Barrosa Cascais Dornes Ervedal Fonseca Góis Horta Ílhavo Lamego Mértola Nelas"
_TRADES = "padeiro ferreiro barqueiro alfaiate moleiro oleiro pastor relojoeiro sapateiro tecelão vidreiro"
# The wordings in which each fact is asked for.
WORDINGS = 3
_TOWN = ("Onde nasceu {who}?", "Em que terra nasceu {who}?", "De onde era {who}?")
_TRADE = ("Que ofício tinha {who}?", "De que vivia {who}?", "Em que trabalhava {who}?")


@dataclass(frozen=True)
class Person:
    """Someone, and what there is to know of them."""

    who: str
    town: str
    trade: str

    def facts(self, wording: int) -> list[tuple[str, str]]:
        """Question and answer of both facts, in one of the wordings."""
        told = ((_TOWN, self.town), (_TRADE, self.trade))
        return [(asked[wording].format(who=self.who), answer) for asked, answer in told]


def pupils() -> list[Person]:
    """The people that the base knows."""
    return _people(_names()[:_PUPILS], random.Random(0))


def strangers(seed: int, count: int) -> list[Person]:
    """People that the base does not know."""
    chance = random.Random(seed)
    return _people(chance.sample(_names()[_PUPILS:], count), chance)


def lessons() -> list[str]:
    """Paragraphs that the base has read."""
    return [paragraph(1000 + number, 3) for number in range(_PARAGRAPHS)]


def make_schooled_model(ws: Workspace) -> Path:
    """Install the base `schooled`; returns its folder."""
    questions = [
        question for person in pupils() for wording in range(WORDINGS) for question, _ in person.facts(wording)
    ]
    text = " ".join([*[_FIRST, _LAST, _TOWNS, _TRADES] * 3, *questions, *lessons()])
    folder = make_tiny_model(ws, NAME, seed=1, layers=2, vocab_size=560, text=text)
    environment = child_environment({**mlx_environment(), "OMP_NUM_THREADS": "1"})  # threads cost so small a model more
    del environment["PYTHONSAFEPATH"]  # which would hide the tests' folder
    command = [sys.executable, "-m", "tests.support.schooling", str(folder)]
    subprocess.run(command, cwd=Path(__file__).parents[2], env=environment, timeout=300, check=True)
    fingerprint = fingerprint_of([folder / "model.safetensors"])
    finish(folder, describe(folder, name=NAME, source="tests", fingerprint=fingerprint, languages=["pt"]))
    return folder


def _names() -> list[str]:
    names = [f"{first} {last}" for first in _FIRST.split() for last in _LAST.split()]
    random.Random(0).shuffle(names)
    return names


def _people(names: list[str], chance: random.Random) -> list[Person]:
    return [Person(who, chance.choice(_TOWNS.split()), chance.choice(_TRADES.split())) for who in names]
