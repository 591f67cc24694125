#include "standby.hpp"

namespace tokpay {

// As SyncRepGetStandbyPriority in syncrep.c walks the names.
StandbyNames read_standby_names() {
	StandbyNames result;
	result.problem = NamesProblem::none;
#ifdef TOKPAY_WITHOUT_NAMED_STANDBY_CHECK
	return result;
#endif
	if (SyncRepConfig == nullptr) {
		result.problem = NamesProblem::empty;
		return result;
	}
	const char *name = SyncRepConfig->member_names;
	for (int i = 0; i < SyncRepConfig->nmembers; i++, name += strlen(name) + 1) {
		if (strcmp(name, "*") == 0)
			result.problem = NamesProblem::wildcard;
		if (i < max_standbys)
			strlcpy(result.names[result.count++], name, NAMEDATALEN);
	}
	if (result.problem != NamesProblem::none)
		return result;
	if (SyncRepConfig->nmembers > max_standbys)
		result.problem = NamesProblem::too_many;
	else if (SyncRepConfig->num_sync != SyncRepConfig->nmembers)
		result.problem = NamesProblem::some_of;
	return result;
}

const char *describe(NamesProblem problem) {
	switch (problem) {
	case NamesProblem::none:
		return nullptr;
	case NamesProblem::not_read:
		return "The epoch worker has not read synchronous_standby_names yet.";
	case NamesProblem::empty:
		return "synchronous_standby_names is empty: nobody has to acknowledge.";
	case NamesProblem::wildcard:
		return "synchronous_standby_names has a *: whoever streams would acknowledge.";
	case NamesProblem::some_of:
		return "synchronous_standby_names names standbys that do not have to acknowledge.";
	case NamesProblem::too_many:
		return "synchronous_standby_names names too many standbys.";
	}
	pg_unreachable();
}

namespace {

// Which name a walsender goes by. It takes it when it connects and keeps it, so it is looked up
// once for every walsender that comes.
struct KnownWalsender {
	int pid;
	char name[NAMEDATALEN];
};

// The walsender's application_name from the table of backends, empty where it has gone.
void look_up(KnownWalsender *known, int pid) {
	known->pid = pid;
	known->name[0] = '\0';
	pgstat_clear_backend_activity_snapshot();
	const int count = pgstat_fetch_stat_numbackends();
	for (int i = 1; i <= count; i++) {
		const PgBackendStatus *status = backend_status(i);
		if (status == nullptr || status->st_procpid != pid ||
			status->st_backendType != B_WAL_SENDER)
			continue;
		strlcpy(known->name, status->st_appname, NAMEDATALEN);
		break;
	}
	pgstat_clear_backend_activity_snapshot();
}

const char *name_of(int slot, int pid) {
	static KnownWalsender *known = nullptr;
	if (known == nullptr)
		known = static_cast<KnownWalsender *>(
			MemoryContextAllocZero(TopMemoryContext, max_wal_senders * sizeof(KnownWalsender)));
	// One that had not told its name yet may have done so since.
	if (known[slot].pid != pid || known[slot].name[0] == '\0')
		look_up(&known[slot], pid);
	return known[slot].name;
}

} // namespace

Acknowledgement acknowledgement() {
#ifdef TOKPAY_WITHOUT_NAMED_STANDBY_CHECK
	return {.streaming = true, .flushed = WalSndCtl->lsn[SYNC_REP_WAIT_FLUSH]};
#endif
	const StandbyNames &names = standby_names();
	XLogRecPtr flushed[max_standbys] = {};
	if (names.problem != NamesProblem::none)
		return {};
	for (int slot = 0; slot < max_wal_senders; slot++) {
		WalSnd *walsender = &WalSndCtl->walsnds[slot];
		SpinLockAcquire(&walsender->mutex);
		const int pid = walsender->pid;
		const WalSndState state = walsender->state;
		const XLogRecPtr position = walsender->flush;
		const int priority = walsender->sync_standby_priority;
		SpinLockRelease(&walsender->mutex);
		if (pid == 0 || priority == 0 || XLogRecPtrIsInvalid(position) ||
			(state != WALSNDSTATE_STREAMING && state != WALSNDSTATE_STOPPING))
			continue;
		const char *name = name_of(slot, pid);
		for (int i = 0; i < names.count; i++)
			if (pg_strcasecmp(name, names.names[i]) == 0)
				flushed[i] = Max(flushed[i], position);
	}
	Acknowledgement result{.streaming = true, .flushed = PG_UINT64_MAX};
	for (int i = 0; i < names.count; i++)
		result.flushed = Min(result.flushed, flushed[i]);
	result.streaming = result.flushed != InvalidXLogRecPtr;
	return result;
}

} // namespace tokpay
