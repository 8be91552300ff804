"""The report of an evaluation: `report.md` and `report.html` for people, `report.json` for programs."""
