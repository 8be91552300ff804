"""Results in English."""

from __future__ import annotations

from tools.prepare_dataset.results.wording import Asked, ResultsWording

_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_KINDS = {
    "champion": Asked(
        ("Who won the {season} season?", "Which team was champion in the {season} season?"),
        ("Which team finished first in the {season} season?",),
    ),
    "runner_up": Asked(
        ("Which team came second in the {season} season?", "Who was the runner-up of the {season} season?"),
        ("In the {season} season, who finished right behind the champion?",),
    ),
    "last": Asked(
        ("Which team finished last in the {season} season?", "Who came last in the {season} season?"),
        ("In the {season} season, who was at the bottom of the standings?",),
    ),
    "points": Asked(
        (
            "How many points did {team} have in the {season} season?",
            "In the {season} season, how many points did {team} win?",
        ),
        ("With how many points did {team} finish the {season} season?",),
    ),
    "difference": Asked(
        (
            "In the {season} season, how many points separated {first} and {second}?",
            "How many points ahead of {second} did {first} finish the {season} season?",
        ),
        ("What was the difference in points between {first} and {second} in the {season} season?",),
    ),
    "position": Asked(
        ("In which place did {team} finish the {season} season?", "Where did {team} finish in the {season} season?"),
        ("What position did {team} hold at the end of the {season} season?",),
    ),
    "top_scorer": Asked(
        (
            "Who was the top scorer of the {season} season?",
            "What is the name of the top scorer of the {season} season?",
        ),
        ("In the {season} season, which player scored the most goals?",),
    ),
    "team_scorer": Asked(
        (
            "Who was the top scorer of {team} in the {season} season?",
            "In the {season} season, who was {team}'s top scorer?",
        ),
        ("In the {season} season, who scored the most goals for {team}?",),
    ),
    "most_scored": Asked(
        (
            "Which team scored the most goals in the {season} season?",
            "Which was the best attack of the {season} season?",
        ),
        ("In the {season} season, who had the most goals scored?",),
    ),
    "fewest_scored": Asked(
        (
            "Which team scored the fewest goals in the {season} season?",
            "Which was the worst attack of the {season} season?",
        ),
        ("In the {season} season, who had the fewest goals scored?",),
    ),
    "most_conceded": Asked(
        (
            "Which team conceded the most goals in the {season} season?",
            "Which was the worst defence of the {season} season?",
        ),
        ("In the {season} season, who let in the most goals?",),
    ),
    "fewest_conceded": Asked(
        (
            "Which team conceded the fewest goals in the {season} season?",
            "Which was the best defence of the {season} season?",
        ),
        ("In the {season} season, who let in the fewest goals?",),
    ),
    "wins": Asked(
        (
            "How many wins did {team} have in the {season} season?",
            "How many matches did {team} win in the {season} season?",
        ),
        ("In the {season} season, how often did {team} win?",),
    ),
    "draws": Asked(
        (
            "How many draws did {team} have in the {season} season?",
            "How many matches did {team} draw in the {season} season?",
        ),
        ("In the {season} season, how often did {team} draw?",),
    ),
    "losses": Asked(
        (
            "How many defeats did {team} have in the {season} season?",
            "How many matches did {team} lose in the {season} season?",
        ),
        ("In the {season} season, how often did {team} lose?",),
    ),
    "scored": Asked(
        (
            "How many goals did {team} score in the {season} season?",
            "How many goals did {team} have in the {season} season?",
        ),
        ("In the {season} season, with how many goals scored did {team} finish?",),
    ),
    "conceded": Asked(
        (
            "How many goals did {team} concede in the {season} season?",
            "How many goals did {team} let in during the {season} season?",
        ),
        ("In the {season} season, with how many goals conceded did {team} finish?",),
    ),
    "winner": Asked(
        (
            "Who won the match between {home} and {away} at {home}'s ground in the {season} season?",
            "In the {season} season {home} hosted {away}. Who won?",
        ),
        ("Which team came out on top when {home} played {away} at home in the {season} season?",),
    ),
    "score": Asked(
        (
            "What was the score of the match between {home} and {away} at {home}'s ground in the {season} season?",
            "In the {season} season {home} hosted {away}. What was the score?",
        ),
        ("How did the match end in which {home} played {away} at home in the {season} season?",),
    ),
    "season_of_two": Asked(
        (
            "In which of the seasons {one} and {other} did {team} win more points?",
            "In which season did {team} have more points, {one} or {other}?",
        ),
        ("Of the seasons {one} and {other}, which one brought {team} more points?",),
    ),
    "again": Asked(
        (
            "Which team was champion both in the {first} and in the {last} season?",
            "Who won the championships of the seasons {first} and {last}?",
        ),
        ("Which team finished first in the consecutive seasons {first} and {last}?",),
    ),
    "titles": Asked(
        (
            "How many championships did {team} win from the {first} to the {last} season?",
            "From the {first} to the {last} season, how many titles did {team} take?",
        ),
        ("How often did {team} finish first, counting from the {first} to the {last} season?",),
    ),
    "more_titles": Asked(
        (
            "Who won more championships from the {first} to the {last} season, {one} or {other}?",
            "From the {first} to the {last} season, who took more titles: {one} or {other}?",
        ),
        ("Of {one} and {other}, who finished first more often from the {first} to the {last} season?",),
    ),
    "best_points": Asked(
        (
            "How many points at most did a team win in one season, from the {first} to the {last} season?",
            "What was the highest number of points of a team from the {first} to the {last} season?",
        ),
        ("From the {first} to the {last} season, what is a team's record of points in one season?",),
    ),
    "best_team": Asked(
        (
            "Which team won the most points in one season, from the {first} to the {last} season?",
            "Whose was the highest number of points from the {first} to the {last} season?",
        ),
        ("From the {first} to the {last} season, which team holds the record of points in one season?",),
    ),
    "best_season": Asked(
        (
            "In which season did {team} win the most points, from the {first} to the {last} season?",
            "From the {first} to the {last} season, which one was {team}'s best in points?",
        ),
        ("In which season did {team} reach its most points, counting from the {first} to the {last} season?",),
    ),
}
ENGLISH = ResultsWording(
    season="Standings of the {season} season:",
    season_unfinished="Standings of the {season} season, with matches to come:",
    no_season="Standings, {title}:",
    season_line="{position}. {team} - {points} points",
    top_scorer_line="Top scorer: {scorer}",
    most_scored_line="Most goals scored: {team} ({goals})",
    fewest_conceded_line="Fewest goals conceded: {team} ({goals})",
    largest_win_line="Largest win: {match}",
    matches="Results of the {season} season:",
    matches_of="Results, {title}:",
    round="Round {round}",
    day="{day} {month} {year}",
    months=_MONTHS,
    ask_season="Show the standings of the {season} season.",
    ask_matches="Show the results of the {season} season.",
    across="across seasons",
    place="place {place}",
    units={
        "points": ("{count} point", "{count} points"),
        "goals": ("{count} goal", "{count} goals"),
        "wins": ("{count} win", "{count} wins"),
        "draws": ("{count} draw", "{count} draws"),
        "losses": ("{count} defeat", "{count} defeats"),
    },
    kinds=_KINDS,
)
