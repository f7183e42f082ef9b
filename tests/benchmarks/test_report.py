"""Figures of several processes become one page."""

from tests.benchmarks import report


def run(value, least=2.0):
    figure = {"what": "a batch", "against": "a peer", "value": value, "unit": "times as fast", "limit": "memory"}
    return {
        "benchmarks": [{"group": "Environments", "extra_info": {"figures": [figure | {"least": least, "most": None}]}}]
    }


def test_a_figure_is_a_range_over_the_processes():
    (row,) = report.collect([run(2.31), run(1.94), run(2.05)])
    assert report.cells(row) == ("a batch", "a peer", "1.94 to 2.3")
    taken = {
        "date": "2026-01-31",
        "processes": 3,
        "machine": "two cores",
        "load": "0.1",
        "versions": "",
        "figures": [row],
    }
    assert "### Environments" in report.page({"speed": taken})
    assert "| a batch | a peer | 1.94 to 2.3 | memory |" in report.page({"speed": taken})


def test_the_median_of_the_processes_is_judged():
    assert report.missed(report.collect([run(1.0), run(2.1), run(2.2)])) == []
    (line,) = report.missed(report.collect([run(1.0), run(1.5), run(2.2)]))
    assert line == "a batch, against a peer: 1.5, expected at least 2"


def test_numbers_have_three_digits_at_most():
    assert [report.interval([value]) for value in (0.123, 1.999, 2.04, 19.96, 20.2, 1234.5)] == [
        "0.12", "2.00", "2.0", "20.0", "20", "1,234",
    ]  # fmt: skip
