"""The table of faults. A row is injected while clients are at work, and has to show that it landed."""

from dataclasses import dataclass
from typing import Callable

import evidence as shows
import injections as does
import surroundings as around
from scene import the_leader, the_sync, the_third


@dataclass
class Row:
    """inject(scene) breaks something; landed(scene), once it is true, is what shows that it has; heal(scene) mends it.

    stalls: the class of faults with which it shares a time bound. With serves, clients are served before it is mended.
    changes: the leader changes, or, where etcd has lost its quorum too, may change."""

    name: str
    inject: Callable
    landed: Callable
    stalls: str
    heal: Callable = lambda scene: None
    serves: bool = True
    changes: bool = False
    short: bool = False


PATRONI, ETCD, PGBOUNCER, GATEWAY = ["python3", "patroni"], ["etcd --config-file"], ["pgbouncer"], ["tokpay-gateway"]

ROWS = [
    # Processes
    Row("kill PostgreSQL", does.kill_postgres, shows.timeline_changed, "crash", changes=True, short=True),
    Row("kill Patroni", does.kill("db", PATRONI), shows.other_processes("db", PATRONI), "none", short=True),
    Row("kill PgBouncer", does.kill("pool", PGBOUNCER), shows.other_processes("pool", PGBOUNCER), "pool"),
    Row("kill the gateway", does.kill("gateway", GATEWAY), shows.other_processes("gateway", GATEWAY), "none"),
    Row("kill etcd's leader", does.kill_etcd_leader, shows.etcd_is_back, "none"),
    Row("Patroni is gone, its database goes on", does.take_patroni_away, shows.zombie, "deposed", does.give_patroni_back, changes=True),
    Row("Patroni is stopped, its database goes on", does.stop_patroni, shows.zombie, "deposed", does.go_on, changes=True),
    Row("stop the walsender of the synchronous standby", does.walsender_of_sync, shows.leader_changed, "stuck", does.go_on, changes=True),
    Row("stop the walreceiver of the synchronous standby", does.stop_process(the_sync, ["postgres: ", "walreceiver"]),
        shows.both(shows.is_stopped, shows.sync_changed), "standby", does.go_on),
    Row("stop the checkpointer", does.stop_process(the_leader, ["postgres: ", "checkpointer"]), shows.is_stopped, "none", does.go_on),
    # Machines
    Row("switch over", does.switch_over, shows.leader_changed, "switchover", changes=True, short=True),
    Row("lose the leader's machine", does.lose_leader(with_etcd=False), shows.leader_changed,
        "loss", does.bring_back, changes=True, short=True),
    Row("lose the leader's machine with etcd's leader", does.lose_leader(with_etcd=True), shows.leader_changed,
        "loss", does.bring_back, changes=True),
    Row("lose the synchronous standby", does.lose(the_sync), shows.sync_changed, "standby", does.bring_back),
    Row("lose the third machine", does.lose(the_third), shows.is_gone(the_third), "none", does.bring_back),
    Row("lose the leader's machine and its disk", does.lose_with_disk(the_leader), shows.both(shows.disk_is_new, shows.leader_changed),
        "loss", does.bring_back, changes=True),
    Row("freeze the leader's machine, thaw it", does.freeze_leader, shows.leader_changed, "loss", does.thaw_leader, changes=True),
    Row("lose both standbys", does.lose_both_standbys, shows.nothing_acknowledged, "both", does.bring_back, serves=False, changes=True),
    Row("all of etcd stops", does.stop_all_etcd, shows.etcd_is_silent, "none", does.bring_back),
    Row("restart one machine after the other", does.restart_one_by_one, shows.all_restarted, "switchover", changes=True),
    Row("rebuild the third machine", around.rebuild_third, around.is_rebuilt, "none"),
    Row("switch over every 30 s", around.switch_over_often, around.has_switched, "switchover", changes=True),
    Row("the archive is down", does.stop_archive, shows.archive_fails, "none", does.bring_back),
    # Networks
    Row("cut the leader off", does.cut_leader_off, shows.leader_changed, "loss", does.mend_networks, changes=True, short=True),
    Row("cut the leader from the standbys", does.cut_leader_from_standbys, shows.both(shows.packets_dropped, shows.timeline_changed),
        "apart", does.mend_networks, changes=True),
    Row("cut the leader from etcd", does.cut_leader_from_etcd, shows.packets_dropped, "none", does.mend_networks),
    Row("the leader hears nobody", does.deafen_leader, shows.both(shows.packets_dropped, shows.leader_changed),
        "loss", does.mend_networks, changes=True),
    Row("nobody hears the leader", does.silence_leader, shows.both(shows.packets_dropped, shows.leader_changed),
        "loss", does.mend_networks, changes=True),
    Row("cut the third machine off", does.cut_third_off, shows.is_gone(the_third), "none", does.mend_networks),
    Row("lose packets", does.lose_packets, shows.packets_lost, "packets", does.mend_networks),
    Row("every machine stutters", around.stutter, around.has_paused, "packets"),
    # Clocks and disks
    Row("the leader's clock is an hour ahead, its Patroni is stopped", around.clock_off(around.HOUR_S),
        shows.both(around.clock_is_off, shows.zombie), "deposed", around.restart_leader, changes=True),
    Row("the leader's clock is an hour behind, its Patroni is stopped", around.clock_off(-around.HOUR_S),
        shows.both(around.clock_is_off, shows.zombie), "deposed", around.restart_leader, changes=True),
    Row("the synchronous standby's disk is full", around.fill_standby, shows.both(around.no_space_left, shows.sync_changed),
        "standby", around.make_room),
    Row("the leader's disk is full", around.fill_leader, shows.both(around.no_space_left, shows.leader_changed),
        "apart", around.make_room, changes=True),
    # Sequences
    Row("cancel waiting commits, then lose the leader", does.storm_then_failover, shows.both(shows.storm_hit, shows.leader_changed),
        "loss", does.bring_back, changes=True),
    Row("restart with waiting commits, lose the leader", does.restart_then_die, shows.both(shows.restarted, shows.leader_changed),
        "loss", does.bring_back, changes=True),
    Row("switch over, lose the new leader", does.switch_over_and_kill, shows.second_leader_changed, "two", does.bring_back, changes=True),
    # Settings
    Row("no standby is named", does.name_no_standby, shows.no_standby_named, "both", does.set_right, serves=False),
    Row("no standby is named while commits wait, lose the leader", does.unname_then_lose, shows.both(shows.nobody_named, shows.leader_changed),
        "loss", does.set_right, changes=True),
    Row("anybody may acknowledge, lose the leader", does.anybody_then_lose, shows.both(shows.receiver_acknowledged, shows.leader_changed),
        "loss", does.set_right, changes=True),
    Row("the leader forgets the cluster, lose it", does.forget_the_cluster_then_lose, shows.both(shows.cluster_forgotten, shows.leader_changed),
        "loss", does.set_right, changes=True),
    Row("clients in SQL lower synchronous_commit", around.lower_synchronous_commit, around.sql_is_refused, "none", around.raise_synchronous_commit),
    Row("strict is off, lose the standbys' databases", around.allow_alone, around.nobody_is_waited_for, "both", around.forbid_alone, serves=False),
    Row("an operator fails over to the third machine", around.fail_over_to_third, shows.leader_changed, "switchover", changes=True),
]  # fmt: skip
