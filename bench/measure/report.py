"""The table, for people and for programs, with what is needed to judge or repeat it."""

import hashlib
import json
import os
import platform
import time
from pathlib import Path

from measure.checkout import output_if_any

COLUMNS = ("what", "measured", "at least", "aim", "baseline, note", "ratio", "met", "CPU each")


def cpu_model():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def circumstances(size_name, size, execute, library, *sources):
    """Machine, versions, settings and commit; the sources are the folders that are measured."""
    settings = execute(
        """select name, current_setting(name) from pg_settings
        where source in ('configuration file', 'command line') and name !~ '(directories|_file|^port$|TimeZone|^lc_)'
        order by name"""
    )
    ((extension, version),) = execute(
        """select default_version, current_setting('server_version')
        from pg_available_extensions where name = 'tokpay'"""
    )
    memory_kb = int(Path("/proc/meminfo").read_text().split()[1])
    return {
        "size": size_name,
        **{name.replace("_", " "): value for name, value in vars(size).items()},
        "machine": f"{os.cpu_count()} x {cpu_model()}, {memory_kb / 1024**2:.0f} GiB, {platform.release()}",
        "load average before": f"{os.getloadavg()[0]:.2f}",
        "PostgreSQL": version,
        "extension": f"{extension}, tokpay.so {digest(library)}",
        "commit": (output_if_any("git", "rev-parse", "--short", "HEAD") or "unknown")
        + (" and changes" if output_if_any("git", "status", "--porcelain", *sources) else ""),
        "at": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "settings": dict(settings),
    }


def digest(file):
    return hashlib.sha256(file.read_bytes()).hexdigest()[:12]


def figure(value):
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}" if abs(value) < 10 else f"{value:.1f}"


def spread(series):
    """The median, and the least and the most where it was measured more than once."""
    if series is None:
        return ""
    least, most = min(series.values), max(series.values)
    several = f" ({figure(least)} - {figure(most)})" if len(series.values) > 1 else ""
    return figure(series.median) + several


def cells(result):
    factor = " x" if result.judged == "ratio" else ""
    at_least = f"at most {figure(result.at_most)}" if result.at_most is not None else figure(result.at_least)
    return (
        result.what,
        f"{spread(result.measured)} {result.unit}",
        at_least + (factor if at_least else ""),
        figure(result.aim) + (factor if result.aim is not None else ""),
        f"{result.baseline_what}: {spread(result.baseline)}" if result.baseline else result.note,
        spread(result.ratio),
        result.met,
        f"{figure(result.cpu.median)} : {figure(result.baseline_cpu.median)} µs" if result.cpu else "",
    )


def table(results):
    """Aligned columns in the syntax of Markdown."""
    lines = [COLUMNS, *(cells(result) for result in results)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(COLUMNS))]
    text = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths)) + " |" for line in lines]
    text.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(text)


def as_json(about, results):
    rows = [
        {
            "what": result.what,
            "unit": result.unit,
            "measured": result.measured.summary(),
            "baseline": {"what": result.baseline_what, **result.baseline.summary()} if result.baseline else None,
            "ratio": result.ratio.summary() if result.ratio else None,
            "judged": result.judged,
            "server_cpu_us": result.cpu.summary() if result.cpu else None,
            "baseline_server_cpu_us": result.baseline_cpu.summary() if result.baseline_cpu else None,
            **{name: getattr(result, name) for name in ("at_least", "aim", "at_most", "met", "note", "runs")},
        }
        for result in results
    ]
    return json.dumps({"about": about, "rows": rows}, indent=1, ensure_ascii=False) + "\n"


def facts(about):
    """The circumstances, as a section."""
    facts = "\n".join(f"- {name}: {value}" for name, value in about.items() if name != "settings")
    settings = "\n".join(f"- `{name} = {value}`" for name, value in about["settings"].items())
    return f"""## Circumstances

{facts}

Settings of the server:

{settings}
"""


def write(directory, name, heading, about, results):
    directory.mkdir(parents=True, exist_ok=True)
    (directory / f"{name}.json").write_text(as_json(about, results))
    (directory / f"{name}.md").write_text(f"{heading}\n\n{table(results)}\n\n{facts(about)}")
