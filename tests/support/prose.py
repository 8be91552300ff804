"""Portuguese prose made from a few words by a seed: no two sentences are alike."""

from __future__ import annotations

import random

_NOUNS = """o farol, a ilha, o barco, a rede, o vento, a maré, a gaivota, o pescador, a janela, o caderno, a lanterna,
o moinho, a ponte, o relógio, a cozinha, o poço, a figueira, o mapa, a escada, o forno, a vela, o sino, a praça"""
_VERBS = """guardava, olhava, seguia, levava, trazia, esquecia, encontrava, cobria, acordava, chamava, escondia,
limpava, pintava, media, contava, atravessava, esperava, apagava, acendia, reparava"""
_PLACES = """junto ao muro, antes da missa, depois da chuva, perto da fonte, ao fundo da rua, durante o inverno,
sem dizer nada, com muito cuidado, desde pequeno, até ao fim da tarde"""
_SYLLABLES = "ba be bi ca co da de fa go la lo ma me mi na ni pa ra ro sa ta te ti va"


def sentence(chance: random.Random) -> str:
    """A sentence that no other one is, for the name in it."""

    def one(words: str) -> str:
        return chance.choice([word.strip() for word in words.split(",")])

    name = "".join(chance.choice(_SYLLABLES.split()) for _ in range(4)).capitalize()
    told = [one(_NOUNS), one(_VERBS), one(_NOUNS), one(_PLACES), "e", name, one(_VERBS), one(_NOUNS), one(_PLACES)]
    return " ".join(told).capitalize().replace(name.lower(), name) + "."


def paragraph(seed: int, sentences: int = 6) -> str:
    chance = random.Random(seed)
    return " ".join(sentence(chance) for _ in range(sentences))
