#include "cluster.hpp"
#include "commit_gate.hpp"
#include "epoch_worker.hpp"
#include "leadership.hpp"
#include "statistics.hpp"

extern "C" {
#ifdef PG_MODULE_MAGIC_EXT
PG_MODULE_MAGIC_EXT(.name = "tokpay", .version = TOKPAY_VERSION);
#else
PG_MODULE_MAGIC;
#endif

PGDLLEXPORT void _PG_init();
}

// A single server has neither a worker nor a callback of ours, and needs no preloaded library.
void _PG_init() {
	using namespace tokpay;
	define_cluster_settings();
	if (process_shared_preload_libraries_in_progress)
		request_statistics();
	if (!is_cluster_machine())
		return;
	request_shared_memory();
	register_epoch_worker();
	watch_transactions();
}
