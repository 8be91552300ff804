"""A table whose columns are understood: its cells by role, the findings about it, the names of its cells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from tools.errors import Problem
from tools.prepare_dataset.records import Record, Table
from tools.prepare_dataset.results.cells import is_missing
from tools.prepare_dataset.results.columns import Columns, Role

# Rows with one and the same finding that are spelled out.
_SPELLED_OUT = 20


@dataclass
class ResultsTable:
    """One source's table. path: the source's name. errors stop the work, warnings do not. notes: what was
    understood and chosen, as sentences."""

    path: str
    table: Table
    columns: Columns
    errors: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    _more: Counter[str] = field(default_factory=Counter)

    def has(self, role: Role) -> bool:
        return role in self.columns.index

    def cell(self, record: Record, role: Role) -> str:
        """What a cell holds, blanks made single; "" where it says that it holds nothing, or there is no column."""
        index = self.columns.index.get(role)
        if index is None or is_missing(record.cells[index]):
            return ""
        return " ".join(record.cells[index].split())

    def column(self, role: Role) -> list[str]:
        """All cells under a role's heading, as they stand."""
        index = self.columns.index[role]
        return [record.cells[index] for record in self.table.records]

    def heading(self, role: Role) -> str:
        return " ".join(self.table.headings[self.columns.index[role]].split())

    def error(self, record: Record, role: Role, message: str, fix: str) -> None:
        self.errors.append(self._problem(record, role, message, fix))

    def warn(self, kind: str, record: Record, role: Role, message: str, fix: str) -> None:
        """Tell of a row; of the rows with a finding of one `kind` only the first are spelled out."""
        self._more[kind] += 1
        if self._more[kind] <= _SPELLED_OUT:
            self.warnings.append(self._problem(record, role, message, fix))

    def told(self) -> list[Problem]:
        """The warnings, and how many more rows there are like them."""
        more = [
            Problem(
                path=self.path, message=f"{count - _SPELLED_OUT} more rows like those above: {kind}.", fix="See above."
            )
            for kind, count in self._more.items()
            if count > _SPELLED_OUT
        ]
        return [*self.warnings, *more]

    def cells(self, lines: Iterable[int], *roles: Role) -> tuple[str, ...]:
        """Names of cells: `file:line:heading`, or `file:first-last:heading` for lines that follow each other.

        Roles without a column are left out.
        """
        runs = list(_runs(lines))
        return tuple(
            f"{self.path}:{first if first == last else f'{first}-{last}'}:{self.heading(role)}"
            for role in roles
            if self.has(role)
            for first, last in runs
        )

    def _problem(self, record: Record, role: Role, message: str, fix: str) -> Problem:
        column = self.columns.index[role] + 1 if self.has(role) else None
        return Problem(path=self.path, line=record.line, column=column, message=message, fix=fix)


def _runs(lines: Iterable[int]) -> Iterable[tuple[int, int]]:
    """First and last of each run of lines without a gap."""
    first = last = None
    for line in sorted(set(lines)):
        if first is None or last is None:
            first = last = line
        elif line == last + 1:
            last = line
        else:
            yield first, last
            first = last = line
    if first is not None and last is not None:
        yield first, last
