"""What was measured: figures of several rounds, and a line of the table."""

from dataclasses import dataclass, field
from statistics import median


@dataclass
class Series:
    """A figure measured several times."""

    values: list

    @property
    def median(self):
        return median(self.values)

    def ratio_to(self, other):
        return Series([a / b for a, b in zip(self.values, other.values)])

    def summary(self):
        return {"median": self.median, "least": min(self.values), "most": max(self.values), "values": self.values}


@dataclass
class Result:
    """A line of the table. The judged figure is the measured one, or its ratio to the baseline."""

    what: str
    unit: str
    measured: Series
    baseline_what: str = ""
    baseline: Series = None
    judged: str = "measured"
    at_least: float = None
    aim: float = None
    at_most: float = None
    note: str = ""
    cpu: Series = None  # of the server, µs for each unit
    baseline_cpu: Series = None
    runs: list = field(default_factory=list)  # what the driver told

    @property
    def ratio(self):
        return self.measured.ratio_to(self.baseline) if self.baseline else None

    @property
    def met(self):
        figure = (self.ratio if self.judged == "ratio" else self.measured).median
        if self.at_most is not None:
            return "aim" if self.aim is not None and figure <= self.aim else "yes" if figure <= self.at_most else "no"
        if self.at_least is None:
            return "-"
        return "aim" if self.aim is not None and figure >= self.aim else "yes" if figure >= self.at_least else "no"
