"""Sides that are measured in turns (A B A B): a ratio is the median of the ratios of the rounds."""

from measure.checkout import Failure, say
from measure.result import Result, Series

STALL_S = 1.0  # a machine that is merely busy lets every thread run in less
RUNS_AT_MOST = 3


def take_turns(rounds, sides):
    """Runs the sides, functions by name, in turn; what each told, by name."""
    told = {name: [] for name in sides}
    for number in range(1, rounds + 1):
        for name, run in sides.items():
            one = undisturbed(run)
            told[name].append(one)
            others = f"; others took {one['others_cpu']:.1f} cores" if one["others_cpu"] > 0.3 else ""
            say(f"round {number} of {rounds}: {name} {one['rate']:,.0f}/s{others}")
    return told


def undisturbed(run):
    """What a run tells, unless the machine stood still meanwhile: then what it tells the next time."""
    for _ in range(RUNS_AT_MOST):
        told = run()
        if told["stall_seconds"] <= STALL_S:
            break
        say(f"the machine stood still for {told['stall_seconds']:.1f} s: once more")
    if told["rate"] == 0:
        raise Failure(f"no call of {told['load']} came to an end in {told['seconds']} s")
    return told


def figures(told, name):
    return Series([one[name] for one in told])


def compare(told, subject, baseline, **properties):
    """The result of two sides."""
    return Result(
        measured=figures(told[subject], "rate"),
        baseline_what=baseline,
        baseline=figures(told[baseline], "rate"),
        cpu=figures(told[subject], "server_cpu_us_per_unit"),
        baseline_cpu=figures(told[baseline], "server_cpu_us_per_unit"),
        runs=told[subject] + told[baseline],
        **properties,
    )


def alone(told, subject, **properties):
    """The result of one side without a baseline."""
    return Result(measured=figures(told[subject], "rate"), runs=told[subject], **properties)
