"""The demo's report that the README shows is what a report is now.

Where the page was changed on purpose, this writes it and its picture anew from what the demo measured
(`demo-report.json`, which was its `report.json`):

    AFINA_ACCEPT_SNAPSHOTS=1 python -m pytest tests/evaluate/report/test_demo_report.py
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.browser import open_browser
from tools.evaluate.report.html import page
from tools.evaluate.report.told import Told

PICTURES = Path(__file__).parents[3] / "clients" / "pictures"
MEASURED, PAGE, PICTURE = (PICTURES / f"demo-report.{kind}" for kind in ("json", "html", "png"))
_LARGEST = 200_000
# As the README shows it: the verdict, the training and the bars of the sources.
_WIDTH, _HEIGHT = 1120, 1655


@pytest.fixture(autouse=True)
def accepted(tmp_path: Path) -> None:
    """Written anew first, where a changed page is to be accepted."""
    if not os.environ.get("AFINA_ACCEPT_SNAPSHOTS"):
        return
    PAGE.write_text(page(told()), encoding="utf-8")
    with open_browser(tmp_path / "profile") as browser:
        browser.open(PAGE, _WIDTH)
        browser.picture(PICTURE, _HEIGHT)


def told() -> Told:
    return Told.model_validate_json(MEASURED.read_text(encoding="utf-8"))


def test_the_page_is_what_the_present_code_makes_of_it() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(told()), "the page has changed: accept it as the docstring says"


def test_it_is_the_demos_own_evaluation_and_tells_nothing_of_where_it_was_made() -> None:
    found = told()
    assert found.language == "pt"
    assert found.dataset.startswith("mares@")
    assert found.losses
    assert found.result.report_path is not None
    assert found.result.report_path.startswith("/home/ana/")
    text = PAGE.read_text(encoding="utf-8")
    assert "http://" not in text
    assert "https://" not in text


def test_page_and_picture_are_small() -> None:
    assert PICTURE.read_bytes().startswith(b"\x89PNG")
    assert all(path.stat().st_size < _LARGEST for path in (MEASURED, PAGE, PICTURE))
