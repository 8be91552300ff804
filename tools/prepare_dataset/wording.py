"""Every sentence that we put into a dataset, in the material's language. Answers come from the material alone."""

from __future__ import annotations

from dataclasses import dataclass

from tools.prepare_dataset.facts.wording import FactWords, fact_words
from tools.prepare_dataset.language import Language


@dataclass(frozen=True)
class Wording:
    """Templates for `str.format`. The `ask_…` ones train; the `test_…` ones ask the same in other words."""

    instruction: str
    context: str
    response: str
    asked: str
    answered: str
    continue_book: str
    continue_text: str
    continuation: str
    season: str
    season_line: str
    no_season: str
    top_scorer_line: str
    goals: str
    ask_season: str
    ask_row: str
    biography: str
    ask_biography: str
    facts: FactWords
    ask_champion: str
    test_champion: str
    ask_points: str
    test_points: str
    ask_difference: str
    test_difference: str
    ask_last: str
    test_last: str
    ask_top_scorer: str
    test_top_scorer: str
    ask_team_scorer: str
    test_team_scorer: str
    points: str
    point: str


_PT = Wording(
    instruction="### Instrução:",
    context="### Contexto:",
    response="### Resposta:",
    asked="Pergunta: {text}",
    answered="Resposta: {text}",
    continue_book="Continua o texto de «{title}», {place}:",
    continue_text="Continua o texto:",
    continuation="{heading} (continuação)",
    season="Classificação da temporada {season}:",
    season_line="{position}. {team} - {points} pontos",
    no_season="Classificação, {title}:",
    top_scorer_line="Melhor marcador: {scorer}",
    goals="{count} golos",
    ask_season="Mostra a classificação da temporada {season}.",
    ask_row="Mostra o registo {row} da tabela «{title}».",
    biography="## Biografia de {person}",
    ask_biography="Escreve a biografia de {person}.",
    facts=fact_words("pt"),
    ask_champion="Quem foi o campeão da temporada {season}?",
    test_champion="Na temporada {season}, que equipa acabou em primeiro lugar?",
    ask_points="Quantos pontos teve a equipa {team} na temporada {season}?",
    test_points="Com quantos pontos terminou {team} a temporada {season}?",
    ask_difference="Na temporada {season}, quantos pontos separaram {first} de {second}?",
    test_difference="Qual foi a diferença de pontos entre {first} e {second} na temporada {season}?",
    ask_last="Que equipa ficou em último lugar na temporada {season}?",
    test_last="Na temporada {season}, quem acabou no fim da classificação?",
    ask_top_scorer="Quem foi o melhor marcador da temporada {season}?",
    test_top_scorer="Na temporada {season}, que jogador marcou mais golos?",
    ask_team_scorer="Quem foi o melhor marcador da equipa {team} na temporada {season}?",
    test_team_scorer="Na temporada {season}, quem marcou mais golos pela equipa {team}?",
    points="{count} pontos",
    point="{count} ponto",
)
_EN = Wording(
    instruction="### Instruction:",
    context="### Context:",
    response="### Response:",
    asked="Question: {text}",
    answered="Answer: {text}",
    continue_book="Continue the text of “{title}”, {place}:",
    continue_text="Continue the text:",
    continuation="{heading} (continued)",
    season="Standings of the {season} season:",
    season_line="{position}. {team} - {points} points",
    no_season="Standings, {title}:",
    top_scorer_line="Top scorer: {scorer}",
    goals="{count} goals",
    ask_season="Show the standings of the {season} season.",
    ask_row="Show record {row} of the table “{title}”.",
    biography="## Biography of {person}",
    ask_biography="Write the biography of {person}.",
    facts=fact_words("en"),
    ask_champion="Who won the {season} season?",
    test_champion="Which team finished first in the {season} season?",
    ask_points="How many points did {team} have in the {season} season?",
    test_points="With how many points did {team} finish the {season} season?",
    ask_difference="In the {season} season, how many points separated {first} from {second}?",
    test_difference="What was the difference in points between {first} and {second} in the {season} season?",
    ask_last="Which team finished last in the {season} season?",
    test_last="In the {season} season, who was at the bottom of the standings?",
    ask_top_scorer="Who was the top scorer of the {season} season?",
    test_top_scorer="In the {season} season, which player scored the most goals?",
    ask_team_scorer="Who was the top scorer of {team} in the {season} season?",
    test_team_scorer="In the {season} season, who scored the most goals for {team}?",
    points="{count} points",
    point="{count} point",
)


def wording(language: Language) -> Wording:
    return _EN if language == "en" else _PT


def instruction_prompt(words: Wording, ask: str, context: str = "") -> str:
    """The guide's instruction form, up to where the answer begins. A context that is not there has no section."""
    about = f"{words.context}\n{context}\n\n" if context else ""
    return f"{words.instruction}\n{ask}\n\n{about}{words.response}\n"
