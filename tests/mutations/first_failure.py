"""A plugin of pytest's: once a test has failed, its other parameters are passed over."""

import pytest

failed = set()


def function(nodeid):
    return nodeid.partition("[")[0]


def pytest_runtest_logreport(report):
    if report.failed:
        failed.add(function(report.nodeid))


def pytest_runtest_setup(item):
    if function(item.nodeid) in failed:
        pytest.skip("has failed already")
