"""Series as tables, as a file for programs, and as pictures."""

import json

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot  # noqa: E402 (after the choice of what it draws with)
from measure import report  # noqa: E402

# The same figures make the same file; text stays text.
matplotlib.rcParams.update({"svg.hashsalt": "tokpay", "svg.fonttype": "none", "font.size": 9})
COLOUR = "#1f6f5c"


def draw(growth, file):
    """A panel for each line, with the spread where a point was measured more than once."""
    figure, panels = pyplot.subplots(1, len(growth.lines), figsize=(4.2 * len(growth.lines), 2.8), squeeze=False)
    for panel, (name, line) in zip(panels[0], growth.lines.items()):
        points = list(line)
        medians = [series.median for series in line.values()]
        below = [series.median - min(series.values) for series in line.values()]
        above = [max(series.values) - series.median for series in line.values()]
        panel.errorbar(points, medians, yerr=[below, above], marker="o", markersize=4, capsize=3, color=COLOUR)
        if points[0] > 0:
            panel.set_xscale("log")
        panel.set_ylim(bottom=0)
        panel.set_title(name)
        panel.set_xlabel(growth.of)
        panel.set_ylabel(growth.units[name])
        panel.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        panel.grid(alpha=0.3)
        panel.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(file, metadata={"Date": None, "Creator": None})
    pyplot.close(figure)


def table(growth):
    names = list(growth.lines)
    header = [growth.of, *(f"{name}, {growth.units[name]}" for name in names)]
    rows = [[f"{x:,}", *(report.spread(growth.lines[name][x]) for name in names)] for x in growth.lines[names[0]]]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [header, ["---"] * len(header), *rows])


def publish(directory, heading, about, results):
    """growth.md, growth.json and a growth-NAME.svg for each series."""
    directory.mkdir(parents=True, exist_ok=True)
    parts = []
    for growth in results:
        draw(growth, directory / f"growth-{growth.name}.svg")
        parts.append(f"## By {growth.of}\n\n{table(growth)}\n\n![By {growth.of}](growth-{growth.name}.svg)\n")
    text = "\n".join(parts)
    print(text)
    (directory / "growth.md").write_text(f"{heading}\n\n{text}\n{report.facts(about)}")
    (directory / "growth.json").write_text(
        json.dumps(
            {
                "about": about,
                "series": {
                    growth.name: {
                        name: {"unit": growth.units[name], "points": {x: series.summary() for x, series in line.items()}}
                        for name, line in growth.lines.items()
                    }
                    for growth in results
                },
            },
            indent=1,
        )
        + "\n"
    )
