#include "epoch_worker.hpp"

#include "cluster.hpp"
#include "leadership.hpp"
#include "standby.hpp"

namespace tokpay {

namespace {

constexpr int restart_s = 1;		   // where the database is not there yet
constexpr long idle_ms = 1000;		   // between two looks at books that are no cluster's yet
constexpr long acknowledgement_ms = 2; // between two looks at the standby

void begin_transaction() {
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	SPI_connect();
	PushActiveSnapshot(GetTransactionSnapshot());
}

// Waits for nobody: how far the standby is, is looked at afterwards.
void end_transaction() {
	SPI_finish();
	PopActiveSnapshot();
	CommitTransactionCommand();
	pgstat_report_stat(true);
}

// The first column of the first row; false where there is none.
bool query_int64(const char *sql, int64 *value) {
	if (SPI_execute(sql, false, 1) < 0 || SPI_processed == 0)
		return false;
	bool is_null;
	*value =
		DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null));
	return !is_null;
}

bool has_cluster_table() {
	const Oid schema = get_namespace_oid("tokpay", true);
	return OidIsValid(schema) && OidIsValid(get_relname_relid("cluster", schema));
}

// Writes the row of a new epoch. False where the books are no cluster's.
bool write_epoch(Leadership *written) {
	const int32 timeline = static_cast<int32>(GetWALInsertionTimeLine());
	begin_transaction();
	int64 incarnation = 0;
	const bool is_cluster =
		has_cluster_table() && query_int64("select incarnation from tokpay.cluster", &incarnation);
	if (is_cluster) {
		int64 id = 0;
		int64 counter = 0;
		query_int64(psprintf("insert into tokpay.epoch (id, incarnation, timeline, counter) "
							 "select coalesce(max(id), 0) + 1, " INT64_FORMAT
							 ", %d, coalesce(max(counter), 0) + 1 from tokpay.epoch "
							 "returning id::bigint",
						incarnation, timeline),
			&id);
		query_int64(
			psprintf("select counter from tokpay.epoch where id = " INT64_FORMAT, id), &counter);
		*written = {.epoch = {.incarnation = incarnation, .timeline = timeline, .counter = counter},
			.epoch_id = static_cast<int32>(id),
			.database = MyDatabaseId};
	}
	end_transaction();
	return is_cluster;
}

void read_settings() {
	ConfigReloadPending = 0;
	ProcessConfigFile(PGC_SIGHUP);
	publish_standby_names(read_standby_names());
}

void rest(long ms) {
	WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, ms, PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
	if (ConfigReloadPending)
		read_settings();
}

void forget_latch(int, Datum) {
	set_worker_latch(nullptr);
}

// Whoever asks is answered not_leader until the standby has the epoch: a leader that has been
// deposed cannot begin again, and a row of this epoch is known to be of no earlier one.
void lead(const Leadership &written, uint32 revocations) {
#ifndef TOKPAY_WITHOUT_EPOCH_WAIT
	const XLogRecPtr position = XactLastCommitEnd;
	XLogFlush(position);
	while (acknowledgement().flushed < position)
		rest(acknowledgement_ms);
#endif
	if (!publish_leadership(written, revocations))
		return;
	ereport(LOG, (errmsg("tokpay leads in epoch " INT64_FORMAT ".%d." INT64_FORMAT,
					 written.epoch.incarnation, written.epoch.timeline, written.epoch.counter)));
}

} // namespace

void register_epoch_worker() {
	BackgroundWorker worker = {};
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = restart_s;
	strlcpy(worker.bgw_library_name, "tokpay", sizeof worker.bgw_library_name);
	strlcpy(worker.bgw_function_name, "tokpay_epoch_worker", sizeof worker.bgw_function_name);
	strlcpy(worker.bgw_name, "tokpay epoch worker", sizeof worker.bgw_name);
	strlcpy(worker.bgw_type, "tokpay epoch worker", sizeof worker.bgw_type);
	RegisterBackgroundWorker(&worker);
}

} // namespace tokpay

extern "C" {
PGDLLEXPORT void tokpay_epoch_worker(Datum);
}

void tokpay_epoch_worker(Datum) {
	using namespace tokpay;
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnection(cluster_database(), nullptr, 0);
	SetConfigOption("synchronous_commit", "local", PGC_USERSET, PGC_S_OVERRIDE);
	before_shmem_exit(forget_latch, Datum(0));
	set_worker_latch(MyLatch);
	publish_standby_names(read_standby_names());
	for (;;) {
		const uint32 revocations = revocation_count();
		Leadership written;
		if (leadership() == nullptr && write_epoch(&written))
			lead(written, revocations);
		if (leadership() != nullptr || revocation_count() == revocations)
			rest(idle_ms);
	}
}
