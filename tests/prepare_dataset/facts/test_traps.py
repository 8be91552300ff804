"""Sentences that say no fact outright, or one about somebody else: nothing may be taken from them."""

from __future__ import annotations

import pytest

from tools.prepare_dataset.facts.find import find_facts

OTHER_PEOPLE = [
    "A filha de Ana Reis nasceu em 1980, em Faro.",
    "O pai, que nasceu em Faro, era padeiro.",
    "Pinta. O irmão era padeiro. Morreu em 1950.",
    "Ana Reis, cujo avô nasceu em Faro, pinta.",
    "Ana Reis pinta, e o irmão nasceu em 1950, no Porto.",
    "Quando o marido morreu, em 1913, Ana Reis ficou com a oficina.",
    "Nasceu em Beja a 3 de março de 1950 o irmão de Ana Reis.",
    "Em 1950 nasceu em Beja, a filha de Ana Reis.",
    "Nascida em Beja em 1950, a mãe de Ana Reis era costureira.",
    "Ana Reis conheceu Rui Sá, que nasceu no Porto em 1940.",
    "Rui Sá nasceu no Porto em 1940.",
    "Rosa morreu em 1950.",
    "Foi aluna do mestre João Sá. João Sá nasceu em Évora. Morreu em 1964.",
    "O mestre dela chamava-se João Sá. Morreu em 1964, em Évora.",
    "Ana Sousa nasceu em Beja, em 1950.",
    "Ana Reis Filho nasceu em Beja, em 1980.",
    "Ana Reis casou as filhas e o genro publicou «Os Gatos» em 1950.",
    "Era prima de Rui Sá. O primo venceu o Prémio Búzio em 1980.",
    "O irmão de Ana Reis jogou no Farense entre 1980 e 1984.",
    "A equipa de Ana Reis venceu a Taça das Ilhas em 1990.",
    "A sua obra foi premiada. Recebeu o Prémio Búzio em 1999.",
    "O cão de Ana Reis morreu em 1999, em Tavira.",
    "Ela pinta. Ele nasceu em Beja.",
    "Ana Reis pinta. Conheceu Rui Sá. O seu pai, João Sá, era padeiro.",
    "Ela pinta. Conheceu o mar. His father, Tom Doe, was a miner.",
    "Ela pinta. Foi um pintor português.",
    "- Pai: António Reis, nascido em 1920",
    "- Cônjuge: Rui Sá (1950–1960), João Melo (1961–1990)",
    "## Rui Sá\n\nNasceu em Faro em 1950.",
    "### O irmão\n\nNasceu em Faro em 1950. Morreu em 1990.",
    "- Irmão: Rui Reis, nascido em 1950",
]
NOT_SO = [
    "Ana Reis não nasceu em Lisboa.",
    "Nunca casou com Rui Sá.",
    "Ana Reis não publicou «Os Gatos» em 1905.",
    "Ana Reis nunca venceu o Prémio Búzio em 1980.",
    "Ana Reis quase nasceu em Lisboa, em 1950.",
    "Ana Reis não foi escritora, e nem morreu em Faro em 1990.",
    "Ana Reis was not born in Lisbon.",
    "Ana Reis never won the Lantern Prize in 1980.",
    "Ana Reis nearly died in 1990.",
]
NOT_SURE = [
    "Ana Reis teria nascido em Lisboa, em 1950.",
    "Segundo alguns, Ana Reis nasceu em Lisboa, em 1950.",
    "Ana Reis nasceu, segundo o irmão, em 1950.",
    "Ana Reis nasceu provavelmente em Beja.",
    "Ana Reis nasceu em 1950 ou 1951.",
    "Ana Reis nasceu em 1950 (ou 1951).",
    "Ana Reis nasceu em 1950?",
    "Ana Reis nasceu por volta de 1950.",
    "Ana Reis nasceu entre 1950 e 1952.",
    "Consta que Ana Reis nasceu em Faro.",
    "Diz-se que Ana Reis morreu em 1990, em Faro.",
    "Não se sabe se nasceu em Beja.",
    "Se nasceu em Beja, ninguém o escreveu.",
    "Ana Reis talvez tenha nascido em Beja, em 1950.",
    "Ana Reis nasceu em Beja, em 1950. Há quem diga que nasceu em Faro, em 1951.",
    "Ana Reis morreu em Faro em 1990, embora outros digam que foi em Beja.",
    "Ana Reis was probably born in Beja in 1950.",
    "Ana Reis is said to have died in 1990.",
    "According to her brother, Ana Reis was born in 1950.",
    "- Nascimento: c. 1950",
    "- Nascimento: 1950 ou 1951",
    "Ana Reis (1950?–1990) viveu em Tavira.",
]
TWO_WAYS = [
    "Ana Reis nasceu em 1950.\n\nAna Reis nasceu em 1951.",
    "Ana Reis nasceu em Beja.\n\n- Naturalidade: Faro",
    "Ana Reis (3 de março de 1950 – 4 de maio de 2001) viveu longe. Nasceu em 1952. Morreu em 2002.",
    "Ana Reis casou com Rui Sá. Mais tarde, Ana Reis casou com João Melo.",
    "Ana Reis casou em 1950 com Rui Sá; viúva, casou em 1960 com João Melo.",
]
SOMETHING_ELSE = [
    "Ana Reis jogou em casa entre 1983 e 1986.",
    "Ana Reis jogou na Liga dos Faróis entre 1983 e 1986.",
    "Entre 1983 e 1990 jogou no Farense, no Náutico e na União.",
    "Em 1905 publicou Os Gatos, A Duna e O Mar.",
    "Em 1990 venceu a Liga das Marés e a Taça das Ilhas.",
    "Ana Reis venceu o medo em 1990.",
    "Ana Reis publicou um livro em 1905.",
    "Ana Reis publicou quatro romances.",
    "Ana Reis foi uma mulher alegre.",
    "Ana Reis foi professora de Rui Sá.",
    "Ana Reis é conhecida em Lisboa inteira.",
    "Ana Reis é conhecida por Lisboa inteira.",
    "Ana Reis nasceu em 31 de abril de 1950.",
    "Ana Reis nasceu no Natal de um ano frio.",
    "Ana Reis nasceu no Verão.",
    "Ana Reis mudou-se para casa da mãe em 1987.",
    "Ana Reis recebeu a Rosa em 1990.",
    "«Ana Reis nasceu em Beja», gritou o vizinho.",
    "— Ana Reis nasceu em Beja, em 1950.",
    "No romance, a personagem nasceu em Beja, em 1950.",
    "Ana Reis casou com um pescador.",
    "Ana Reis casou a filha com Rui Sá.",
    "Em 1987, Ana Reis transferiu-se para o Farense em 1989.",
    "Ana Reis viveu entre 1950 e 1990.",
]


@pytest.mark.parametrize("text", [*OTHER_PEOPLE, *NOT_SO, *NOT_SURE, *TWO_WAYS, *SOMETHING_ELSE])
def test_nothing_is_taken_from(text: str) -> None:
    assert [(fact.kind, fact.answer) for fact in find_facts(text, 0, len(text), "Ana Reis")] == []
