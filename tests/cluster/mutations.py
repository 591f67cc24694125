"""Promise, mutation, red: each mechanism is left out of the extension in turn, and one scenario has to find that out.

A mutation is a macro of extension/src. The scenario is a row of rows.py; what the clients were told in it must violate one of the rules.
"""

from dataclasses import dataclass


@dataclass
class Mutation:
    promise: int  # its number in the contract, section 5
    macro: str
    without: str  # what is left out
    row: str
    rules: tuple


MUTATIONS = [
    Mutation(3, "TOKPAY_WITHOUT_READ_FENCE", "reads wait for no acknowledgement", "Patroni is gone, its database goes on",
             ("linearizable", "one order", "held", "refusals", "epochs in time")),
    Mutation(1, "TOKPAY_WITHOUT_COMMIT_RECHECK", "a commit believes PostgreSQL that the standby has it",
             "no standby is named while commits wait, lose the leader", ("acknowledged",)),
    Mutation(4, "TOKPAY_WITHOUT_CONNECTION_CUT", "a terminated commit still answers",
             "no standby is named while commits wait, lose the leader", ("acknowledged",)),
    Mutation(1, "TOKPAY_WITHOUT_NAMED_STANDBY_CHECK", "whoever streams may acknowledge",
             "anybody may acknowledge, lose the leader", ("acknowledged",)),
    Mutation(1, "TOKPAY_WITHOUT_MODE_CHECK", "a server that is not set up for a cluster serves its books",
             "the leader forgets the cluster, lose it", ("acknowledged", "shown")),
]  # fmt: skip
