"""What the bench of the controller computes from what it measured."""

from __future__ import annotations

import pytest

from bench.controller_figures import Section, markdown, percentile, put_in, slope, spread


def test_a_spread_is_of_what_was_measured_whatever_the_order() -> None:
    found = spread([3.0, 1.0, 10.0, 2.0])
    assert (found.count, found.least, found.median, found.most) == (4, 1.0, 2.5, 10.0)
    assert found.cells() == ("2.50 s", "1.00 s", "10.00 s")


@pytest.mark.parametrize(
    ("part", "expected"), [(0.5, 50.0), (0.99, 99.0), (1.0, 100.0), (0.0, 1.0), (0.991, 100.0)]
)
def test_a_percentile_is_one_of_the_values(part: float, expected: float) -> None:
    assert percentile((float(n) for n in range(100, 0, -1)), part) == expected


def test_a_percentile_of_few_values_is_not_too_good() -> None:
    assert percentile([1.0, 9.0], 0.99) == 9.0
    assert percentile([1.0], 0.5) == 1.0


def test_a_slope_is_per_unit_and_needs_no_even_steps() -> None:
    assert slope([(100, 7.0), (150, 8.0), (1000, 25.0)]) == pytest.approx(0.02)
    assert slope([(100, 7.0), (1000, 7.0)]) == 0.0


def test_a_peak_that_goes_away_again_is_not_growth() -> None:
    flat = [(float(x), 40.0 + (10 if x == 500 else 0)) for x in range(100, 1000, 50)]
    assert abs(slope(flat)) * 1000 < 2


def test_a_slope_of_one_point_is_none() -> None:
    assert slope([(100, 7.0)]) == 0.0


SECTION = Section("hand", "By hand", "A note.", ("what", "median"), (("seen", "1.00 s"),))
PAGE = "before\n<!-- figures: hand -->\nold\n<!-- end: hand -->\nafter\n"


def test_a_section_takes_the_place_of_the_old_one_and_of_nothing_else() -> None:
    page = put_in(PAGE, "hand", markdown(SECTION, "*today*"))
    assert "old" not in page
    assert "| seen | 1.00 s |" in page
    assert page.startswith("before\n<!-- figures: hand -->\n### By hand\n")
    assert page.endswith("*today*\n<!-- end: hand -->\nafter\n")
    assert put_in(page, "hand", "old") == PAGE


@pytest.mark.parametrize("page", ["", PAGE * 2, "<!-- end: hand -->\n<!-- figures: hand -->"])
def test_a_page_without_the_markers_is_left_alone(page: str) -> None:
    with pytest.raises(ValueError, match="figures: hand"):
        put_in(page, "hand", "new")
