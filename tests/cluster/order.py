"""One order of all calls: a graph of what has to come before what, which must have no cycle.

Its nodes are the transfers of the ledger and the reads, its edges
    ww  a transfer wrote version v of an account, the other one the version after it
    wr  a transfer wrote the version that a read saw
    rw  a read saw a version, a transfer wrote the one after it; or a lookup did not find what a transfer has written
    rt  one had ended before the other began
Edges in real time are drawn through a chain of moments, so that there are few of them.
"""

import bisect
import itertools

from effects import last_versions
from history import ALWAYS, NEVER


class Graph:
    def __init__(self):
        self.causes = []  # node: what it stands for, None for a moment
        self.edges = []  # node: [(node, label)]

    def node(self, cause=None):
        self.causes.append(cause)
        self.edges.append([])
        return len(self.edges) - 1

    def edge(self, before, after, label):
        self.edges[before].append((after, label))

    def order_in_time(self, intervals):
        """intervals: (node, start, end)."""
        moments = []  # (end, node of the moment)
        for node, end in sorted(((node, end) for node, _, end in intervals if ALWAYS < end < NEVER), key=lambda pair: pair[1]):
            moment = self.node()
            if moments:
                self.edge(moments[-1][1], moment, "rt")
            self.edge(node, moment, "rt")
            moments.append((end, moment))
        ends = [end for end, _ in moments]
        for node, start, _ in intervals:
            if before := bisect.bisect_left(ends, start):
                self.edge(moments[before - 1][1], node, "rt")

    def knot(self):
        """The nodes of a strongly connected component with more than one, or None (Tarjan, without recursion)."""
        index, low, on_stack, stack = {}, {}, set(), []
        for root in range(len(self.edges)):
            if root in index:
                continue
            work = [(root, iter(self.edges[root]))]
            index[root] = low[root] = len(index)
            stack.append(root)
            on_stack.add(root)
            while work:
                node, successors = work[-1]
                for after, _ in successors:
                    if after not in index:
                        index[after] = low[after] = len(index)
                        stack.append(after)
                        on_stack.add(after)
                        work.append((after, iter(self.edges[after])))
                        break
                    if after in on_stack:
                        low[node] = min(low[node], index[after])
                else:
                    work.pop()
                    if work:
                        low[work[-1][0]] = min(low[work[-1][0]], low[node])
                    if low[node] == index[node]:
                        component = []
                        while not component or component[-1] != node:
                            component.append(stack.pop())
                            on_stack.discard(component[-1])
                        if len(component) > 1:
                            return set(component)
        return None

    def cycle(self, knot):
        """A short cycle among these nodes: [(cause, label of the edge from it)]."""
        start = min(node for node in knot if self.causes[node] is not None)
        came_from = {}
        level = [start]
        while start not in came_from:
            following = []
            for node in level:
                for after, label in self.edges[node]:
                    if after in knot and after not in came_from:
                        came_from[after] = node, label
                        following.append(after)
            level = following
        path, node = [], start
        while not path or node != start:
            node, label = came_from[node]
            path.append((self.causes[node], label))
        return [step for step in reversed(path) if step[0] is not None]


def build(made, opening, reads, absences):
    """made: {transfer: Effect}; opening: {account: version}; reads: [(call, {account: version})]; absences: [(lookup, transfer)]."""
    graph = Graph()
    intervals = []
    writers = {}  # account: {version: node}
    nodes = {}
    for transfer, effect in made.items():
        node = nodes[transfer] = graph.node(effect)
        intervals.append((node, effect.start, effect.end))
        for account, version in last_versions(effect.row).items():
            writers.setdefault(account, {})[version] = node
    following = {}  # account: {version: node that wrote the next one}
    for account, by_version in writers.items():
        versions = sorted(by_version.keys() | {opening.get(account, 0)})
        following[account] = {version: by_version[after] for version, after in itertools.pairwise(versions) if after in by_version}
        for version, after in following[account].items():
            if version in by_version:
                graph.edge(by_version[version], after, "ww")
    seen_by = [(nodes[transfer], {account: version for account, version, _ in effect.row.sees}) for transfer, effect in made.items()]
    for call, seen in reads:
        seen_by.append((graph.node(call), seen))
        intervals.append((seen_by[-1][0], call.start, call.end))
    for node, seen in seen_by:
        for account, version in seen.items():
            if version in writers.get(account, ()):
                graph.edge(writers[account][version], node, "wr")
            if version in following.get(account, ()):
                graph.edge(node, following[account][version], "rw")
    for lookup, transfer in absences:
        node = graph.node(lookup)
        intervals.append((node, lookup.start, lookup.end))
        graph.edge(node, nodes[transfer], "rw")
    graph.order_in_time(intervals)
    return graph
