"""The report's page, opened in a real browser: what a person sees of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.evaluate.report.made import made
from tests.support.browser import Browser, installed_browser, open_browser
from tools.evaluate.report.html import page
from tools.evaluate.report.told import Told

# Where no browser is, one is brought from npm.
pytestmark = [] if installed_browser() else [pytest.mark.verify]
PICTURES = Path(__file__).parents[3] / "clients" / "pictures"
LONG_NAMES = tuple(f"uma-experiência-de-nome-comprido-{n}@{n}c1da0e5" for n in range(3))

# Letters outside their window, or outside a plot, or that another box hides; scrolling tables may be wider.
_CUT_OFF = """
(() => {
  const cut = [];
  for (const one of document.querySelectorAll('body *')) {
    const written = [...one.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    if (!written || one.closest('.wide')) continue;
    const range = document.createRange();
    range.selectNodeContents(one);
    const box = range.getBoundingClientRect();
    const outer = (one.closest('svg') || document.documentElement).getBoundingClientRect();
    if (box.left < -1 || box.right > Math.min(innerWidth, outer.right) + 1) cut.push(one.outerHTML.slice(0, 120));
  }
  return cut;
})()
"""
# Boxes of plots: width, height, and how much is drawn in each.
_PLOTS = """
[...document.querySelectorAll('svg')].map(s => {
  const box = s.getBoundingClientRect();
  const drawn = [...s.children].filter(c => c.getTotalLength === undefined || c.getTotalLength() > 0).length;
  return [box.width, box.height, drawn];
})
"""
# The lowest contrast of letters with what lies behind them (WCAG 2.2, 1.4.3), and where.
_CONTRAST = """
(() => {
  const parse = c => c.match(/[\\d.]+/g).map(Number);
  const light = c => {
    const [r, g, b] = parse(c).map(v => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = e => {
    for (; e; e = e.parentElement) {
      const c = getComputedStyle(e).backgroundColor;
      if ((parse(c)[3] ?? 1) > 0) return c;
    }
    return 'rgb(255, 255, 255)';
  };
  const found = [];
  for (const one of document.querySelectorAll('body *')) {
    if (![...one.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())) continue;
    const style = getComputedStyle(one);
    const [a, b] = [light(one.closest('svg') ? style.fill : style.color), light(behind(one))];
    found.push([(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), one.outerHTML.slice(0, 120)]);
  }
  return found.sort((a, b) => a[0] - b[0])[0];
})()
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with open_browser(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


def shown(browser: Browser, told: Told, folder: Path, width: int = 1280, *, dark: bool = False) -> Browser:
    path = folder / "report.html"
    path.write_text(page(told), encoding="utf-8")
    browser.open(path, width, dark=dark)
    browser.value("document.querySelectorAll('details').forEach(one => one.open = true)")
    return browser


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("tuned", [LONG_NAMES[:1], LONG_NAMES], ids=["one", "three"])
def test_all_is_drawn_and_can_be_read(
    browser: Browser, tmp_path: Path, tuned: tuple[str, ...], width: int, dark: bool
) -> None:
    seen = shown(browser, made(tuned), tmp_path, width, dark=dark)
    assert seen.complaints == []
    assert [Path(url).name for url in seen.requests] == ["report.html"]
    assert seen.value("document.documentElement.scrollWidth") == width
    assert seen.value(_CUT_OFF) == []
    plots = seen.value(_PLOTS)
    # A strip for each change, a curve, and bars for all rows and for each of three sources.
    assert len(plots) == 6 * len(tuned) + 1 + 4
    assert all(across > 90 and down > 15 and drawn > 0 for across, down, drawn in plots), plots
    contrast, where = seen.value(_CONTRAST)
    assert contrast >= 4.5, where
    paper = seen.value("getComputedStyle(document.body).backgroundColor")
    assert (paper == "rgb(255, 255, 255)") is not dark


def test_the_verdict_stands_first_with_its_evidence_and_the_next_step(browser: Browser, tmp_path: Path) -> None:
    seen = shown(browser, made(), tmp_path)
    assert seen.value("document.querySelector('h1').innerText") == "O livros aprendeu?"
    assert seen.value("document.querySelector('h2').innerText") == "Aprendeu"
    told = seen.value("document.querySelector('.verdict').innerText")
    assert "Bits por byte, linhas não vistas" in told
    assert "afina call ask_model" in told
    # All of it in the first window, above the plots.
    assert seen.value("document.querySelector('.verdict').getBoundingClientRect().bottom") < 900


def test_a_runs_checkpoints_stand_in_a_table_and_on_a_curve(browser: Browser, tmp_path: Path) -> None:
    run = "livros-20261124-1"
    checkpoints = tuple(f"{run}@step-{step}" for step in range(100, 1300, 100))
    seen = shown(browser, made(checkpoints, run=run), tmp_path, 390)
    rows = seen.value("[...document.querySelectorAll('section table')][0].rows.length")
    assert rows == 1 + 1 + len(checkpoints)
    assert seen.value("document.querySelector('table b.good').closest('tr').rowIndex") == rows - 1
    assert seen.value("document.querySelectorAll('svg.curve').length") == 2
    # Beside one another stand the base and the best alone.
    assert seen.value("document.querySelectorAll('.source.all rect').length") == 2
    assert seen.value(_CUT_OFF) == []


def test_texts_of_models_are_shown_and_never_run(browser: Browser, tmp_path: Path) -> None:
    seen = shown(browser, made(), tmp_path)
    assert seen.value("window.broken") is None
    assert seen.value("document.images.length") == 0
    assert "<script>window.broken = true</script>" in seen.value("document.querySelector('blockquote').innerText")


def test_bars_are_as_long_as_their_values(browser: Browser, tmp_path: Path) -> None:
    seen = shown(browser, made(), tmp_path)
    widths = seen.value("[...document.querySelectorAll('.bars rect')].map(r => r.getBoundingClientRect().width)")
    values = seen.value("[...document.querySelectorAll('.bars text')].map(t => t.textContent.replace(',', '.'))")
    a_bit = [width / float(value) for width, value in zip(widths, values, strict=True)]
    assert max(a_bit) / min(a_bit) < 1.01
