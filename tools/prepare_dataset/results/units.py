"""Seasons to what is learned and asked: passages, exchanges, and questions in other words."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tools.prepare_dataset.material import Ask, Exchange, Parsed, Passage, Span
from tools.prepare_dataset.results.across import Across
from tools.prepare_dataset.results.facts import Fact, season_facts
from tools.prepare_dataset.results.leagues import Results
from tools.prepare_dataset.results.picking import one_of, some
from tools.prepare_dataset.results.season import Season
from tools.prepare_dataset.results.table import ResultsTable
from tools.prepare_dataset.results.texts import matches_text, standings_text
from tools.prepare_dataset.results.wording import ResultsWording

# Questions of one table at most, so that it does not drown the books: on single seasons, and on several.
MOST_OF_SEASONS, MOST_ACROSS = 600, 120


@dataclass(frozen=True)
class Teller:
    """Tells one table of results. continuation: template for a heading's repetition."""

    results: Results
    words: ResultsWording
    continuation: str

    @property
    def table(self) -> ResultsTable:
        return self.results.table

    def tell(self, parsed: Parsed) -> None:
        """Add the seasons' texts, exchanges and questions, season by season, then those over several."""
        seasons = self.results.seasons
        facts = [(season, fact) for season in seasons for fact in season_facts(self.table, season, self.words)]
        kept = some(facts, MOST_OF_SEASONS, lambda pair: _name(pair[1], self.results.place(pair[0])), "all")
        if len(kept) < len(facts):
            self.table.notes.append(f"Of {len(facts)} questions on single seasons, {len(kept)} taken")
        for season in seasons:
            self._texts(season, parsed)
            span = self._span(season)
            for _, fact in [pair for pair in kept if pair[0] is season]:
                self._ask(fact, span, self._named(season, {**fact.values}), parsed)
        self._across(parsed)

    def _span(self, season: Season) -> Span:
        document = self.results.document(season)
        return Span(self.table.path, "table", document, self.results.place(season), season.start, season.end)

    def _season(self, season: Season) -> str:
        """A season as questions name it."""
        label = season.competition or season.label
        name = season.name or self.results.title
        return f"{name} ({label})" if label and label != name else name

    def _named(self, season: Season, values: dict[str, str]) -> dict[str, str]:
        return {**values, "season": self._season(season)}

    def _texts(self, season: Season, parsed: Parsed) -> None:
        words = self.words
        if season.lines:
            heading = words.season if season.over else words.season_unfinished
            if not season.name:
                heading = words.no_season
            self._passage(season, heading, words.ask_season, standings_text(season, words), parsed)
        if season.matches:
            heading = words.matches if season.name else words.matches_of
            self._passage(season, heading, words.ask_matches, matches_text(season, words), parsed)

    def _passage(self, season: Season, heading: str, ask: str, text: str, parsed: Parsed) -> None:
        name = self._season(season)
        told = heading.format(season=name, title=name)
        parsed.units.append(
            Passage(
                self._span(season),
                title=self.results.title,
                heading=told + "\n",
                heading_more=self.continuation.format(heading=told.removesuffix(":")) + ":\n",
                composed=text,
                ask=ask.format(season=name),
            )
        )

    def _across(self, parsed: Parsed) -> None:
        seasons = self.results.seasons
        found: list[tuple[str, Fact]] = []
        for competition in dict.fromkeys(season.competition for season in seasons):
            own = [season for season in seasons if season.competition == competition]
            label = competition or next((season.label for season in own if season.label), "")
            found += [(label, fact) for fact in Across(self.table, own, self.results.document, self.words).facts()]
        if not found:
            return
        place = self.words.across
        span = Span(self.table.path, "table", f"{self.table.path}#{place}", place, 0, 0)
        for label, fact in some(found, MOST_ACROSS, lambda pair: _name(pair[1], pair[0]), "across"):
            values = {**fact.values}
            if label:
                last = "last" if "last" in values else "other"
                values[last] = f"{values[last]} ({label})"
            self._ask(fact, span, values, parsed)

    def _ask(self, fact: Fact, span: Span, values: dict[str, str], parsed: Parsed) -> None:
        """One exchange to learn, and the question in words that training never uses."""
        if fact.span is not None:
            span = replace(span, start=fact.span[0], end=fact.span[1])
        asked, name = self.words.kinds[fact.kind], _name(fact, span.place)
        question = one_of(asked.train, name, "train").format(**values)
        turns = ({"role": "user", "content": question}, {"role": "assistant", "content": fact.answer})
        parsed.units.append(Exchange(span, turns, "question", cells=fact.cells, rests_on=fact.rests_on))
        test = one_of(asked.test, name, "test").format(**values)
        parsed.questions.append(
            Ask(
                test,
                fact.answer,
                fact.aliases,
                "table",
                self.table.path,
                span.document,
                cells=fact.cells,
                rests_on=fact.rests_on,
            )
        )


def _name(fact: Fact, about: str) -> str:
    """What identifies a fact, whatever its answer."""
    return "\0".join((about, fact.kind, *(f"{key}={value}" for key, value in sorted(fact.values.items()))))
