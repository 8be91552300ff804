"""Results in Portuguese, as far as possible the same on both sides of the Atlantic (`wording.for_headings`)."""

from __future__ import annotations

from tools.prepare_dataset.results.wording import Asked, ResultsWording

_MONTHS = (
    "janeiro", "fevereiro", "março", "abril", "maio", "junho",
    "julho", "agosto", "setembro", "outubro", "novembro", "dezembro",
)  # fmt: skip
_KINDS = {
    "champion": Asked(
        ("Quem foi o campeão da temporada {season}?", "Que equipa ganhou o campeonato na temporada {season}?"),
        ("Na temporada {season}, que equipa acabou em primeiro lugar?",),
    ),
    "runner_up": Asked(
        ("Que equipa ficou em segundo lugar na temporada {season}?", "Quem foi o vice-campeão da temporada {season}?"),
        ("Na temporada {season}, quem acabou logo atrás do campeão?",),
    ),
    "last": Asked(
        (
            "Que equipa ficou em último lugar na temporada {season}?",
            "Quem foi o último classificado na temporada {season}?",
        ),
        ("Na temporada {season}, quem acabou no fim da classificação?",),
    ),
    "points": Asked(
        (
            "Quantos pontos teve a equipa {team} na temporada {season}?",
            "Na temporada {season}, quantos pontos fez {team}?",
        ),
        ("Com quantos pontos terminou {team} a temporada {season}?",),
    ),
    "difference": Asked(
        (
            "Na temporada {season}, quantos pontos separaram {first} e {second}?",
            "Com quantos pontos de vantagem sobre {second} acabou {first} a temporada {season}?",
        ),
        ("Qual foi a diferença de pontos entre {first} e {second} na temporada {season}?",),
    ),
    "position": Asked(
        ("Em que lugar ficou {team} na temporada {season}?", "Na temporada {season}, em que lugar terminou {team}?"),
        ("Que posição ocupou {team} no fim da temporada {season}?",),
    ),
    "top_scorer": Asked(
        (
            "Quem foi o melhor marcador da temporada {season}?",
            "Como se chama o melhor marcador da temporada {season}?",
        ),
        ("Na temporada {season}, que jogador marcou mais golos?",),
    ),
    "team_scorer": Asked(
        (
            "Quem foi o melhor marcador da equipa {team} na temporada {season}?",
            "Na temporada {season}, quem foi o melhor marcador de {team}?",
        ),
        ("Na temporada {season}, quem marcou mais golos pela equipa {team}?",),
    ),
    "most_scored": Asked(
        ("Que equipa marcou mais golos na temporada {season}?", "Qual foi o melhor ataque da temporada {season}?"),
        ("Na temporada {season}, quem teve mais golos marcados?",),
    ),
    "fewest_scored": Asked(
        ("Que equipa marcou menos golos na temporada {season}?", "Qual foi o pior ataque da temporada {season}?"),
        ("Na temporada {season}, quem teve menos golos marcados?",),
    ),
    "most_conceded": Asked(
        ("Que equipa sofreu mais golos na temporada {season}?", "Qual foi a pior defesa da temporada {season}?"),
        ("Na temporada {season}, quem teve mais golos sofridos?",),
    ),
    "fewest_conceded": Asked(
        ("Que equipa sofreu menos golos na temporada {season}?", "Qual foi a melhor defesa da temporada {season}?"),
        ("Na temporada {season}, quem teve menos golos sofridos?",),
    ),
    "wins": Asked(
        ("Quantas vitórias teve {team} na temporada {season}?", "Quantos jogos ganhou {team} na temporada {season}?"),
        ("Na temporada {season}, quantas vezes venceu {team}?",),
    ),
    "draws": Asked(
        ("Quantos empates teve {team} na temporada {season}?", "Quantos jogos empatou {team} na temporada {season}?"),
        ("Na temporada {season}, quantas vezes empatou {team}?",),
    ),
    "losses": Asked(
        ("Quantas derrotas teve {team} na temporada {season}?", "Quantos jogos perdeu {team} na temporada {season}?"),
        ("Na temporada {season}, quantas vezes perdeu {team}?",),
    ),
    "scored": Asked(
        ("Quantos golos marcou {team} na temporada {season}?", "Quantos golos fez {team} na temporada {season}?"),
        ("Na temporada {season}, com quantos golos marcados terminou {team}?",),
    ),
    "conceded": Asked(
        (
            "Quantos golos sofreu {team} na temporada {season}?",
            "Quantos golos deixou entrar {team} na temporada {season}?",
        ),
        ("Na temporada {season}, com quantos golos sofridos terminou {team}?",),
    ),
    "winner": Asked(
        (
            "Quem ganhou o jogo entre {home} e {away}, em casa de {home}, na temporada {season}?",
            "Na temporada {season}, {home} recebeu {away}. Quem venceu?",
        ),
        ("Que equipa levou a melhor quando {home} jogou em casa com {away}, na temporada {season}?",),
    ),
    "score": Asked(
        (
            "Qual foi o resultado do jogo entre {home} e {away}, em casa de {home}, na temporada {season}?",
            "Na temporada {season}, {home} recebeu {away}. Qual foi o resultado?",
        ),
        ("Como acabou o jogo em que {home} jogou em casa com {away}, na temporada {season}?",),
    ),
    "season_of_two": Asked(
        (
            "Em qual das temporadas {one} e {other} fez {team} mais pontos?",
            "Em que temporada teve {team} mais pontos, na de {one} ou na de {other}?",
        ),
        ("Das temporadas {one} e {other}, qual deu mais pontos a {team}?",),
    ),
    "again": Asked(
        (
            "Que equipa foi campeã tanto na temporada {first} como na temporada {last}?",
            "Quem ganhou os campeonatos das temporadas {first} e {last}?",
        ),
        ("Que equipa acabou em primeiro lugar nas temporadas seguidas {first} e {last}?",),
    ),
    "titles": Asked(
        (
            "Quantos campeonatos ganhou {team} da temporada {first} à temporada {last}?",
            "Da temporada {first} à temporada {last}, quantos títulos conquistou {team}?",
        ),
        ("Quantas vezes acabou {team} em primeiro lugar, contando da temporada {first} à temporada {last}?",),
    ),
    "more_titles": Asked(
        (
            "Quem ganhou mais campeonatos da temporada {first} à temporada {last}, {one} ou {other}?",
            "Da temporada {first} à temporada {last}, quem conquistou mais títulos: {one} ou {other}?",
        ),
        ("Entre {one} e {other}, quem acabou mais vezes em primeiro lugar da temporada {first} à temporada {last}?",),
    ),
    "best_points": Asked(
        (
            "Quantos pontos fez, no máximo, uma equipa numa só temporada, da temporada {first} à temporada {last}?",
            "Qual foi a maior pontuação de uma equipa da temporada {first} à temporada {last}?",
        ),
        ("Da temporada {first} à temporada {last}, qual é o recorde de pontos de uma equipa numa temporada?",),
    ),
    "best_team": Asked(
        (
            "Que equipa fez mais pontos numa só temporada, da temporada {first} à temporada {last}?",
            "De quem foi a maior pontuação da temporada {first} à temporada {last}?",
        ),
        ("Da temporada {first} à temporada {last}, a que equipa pertence o recorde de pontos numa temporada?",),
    ),
    "best_season": Asked(
        (
            "Em que temporada fez {team} mais pontos, da temporada {first} à temporada {last}?",
            "Da temporada {first} à temporada {last}, qual foi a melhor temporada de {team} em pontos?",
        ),
        ("Em que temporada alcançou {team} a sua maior pontuação, contando da temporada {first} à temporada {last}?",),
    ),
}
PORTUGUESE = ResultsWording(
    season="Classificação da temporada {season}:",
    season_unfinished="Classificação da temporada {season}, com jogos por disputar:",
    no_season="Classificação, {title}:",
    season_line="{position}. {team} - {points} pontos",
    top_scorer_line="Melhor marcador: {scorer}",
    most_scored_line="Mais golos marcados: {team} ({goals})",
    fewest_conceded_line="Menos golos sofridos: {team} ({goals})",
    largest_win_line="Maior vitória: {match}",
    matches="Resultados da temporada {season}:",
    matches_of="Resultados, {title}:",
    round="Jornada {round}",
    day="{day} de {month} de {year}",
    months=_MONTHS,
    ask_season="Mostra a classificação da temporada {season}.",
    ask_matches="Mostra os resultados da temporada {season}.",
    across="entre temporadas",
    place="{place}.º lugar",
    units={
        "points": ("{count} ponto", "{count} pontos"),
        "goals": ("{count} golo", "{count} golos"),
        "wins": ("{count} vitória", "{count} vitórias"),
        "draws": ("{count} empate", "{count} empates"),
        "losses": ("{count} derrota", "{count} derrotas"),
    },
    kinds=_KINDS,
)
