#include "cluster.hpp"

#include "catalog.hpp"
#include "refusal.hpp"

namespace tokpay {

namespace {

bool cluster_setting = false; // tokpay.cluster
char *database_setting = nullptr;
bool is_preloaded = false;

constexpr const char *how_to_set_up = "Set tokpay.cluster = on and add tokpay to "
									  "shared_preload_libraries on every machine, then restart.";

} // namespace

// A value that the library was not there to check, at the start of the server, counts as it stands:
// a cluster that lacks the preloaded library has to notice.
void define_cluster_settings() {
	is_preloaded = process_shared_preload_libraries_in_progress;
	if (!is_preloaded) {
		const char *value = GetConfigOption("tokpay.cluster", true, false);
		cluster_setting =
			value != nullptr && !(parse_bool(value, &cluster_setting) && !cluster_setting);
		return;
	}
	DefineCustomBoolVariable("tokpay.cluster",
		"Whether this server is a machine of a TokPay cluster.", nullptr, &cluster_setting, false,
		PGC_POSTMASTER, 0, nullptr, nullptr, nullptr);
	DefineCustomStringVariable("tokpay.database", "The database whose books are the cluster's.",
		nullptr, &database_setting, "tokpay", PGC_POSTMASTER, 0, nullptr, nullptr, nullptr);
	MarkGUCPrefixReserved("tokpay");
}

void require_cluster_as_set() {
	const bool is_cluster = catalog().is_cluster;
	if (!is_cluster && !cluster_setting)
		return;
	if (!is_cluster)
		raise({.code = Code::not_leader,
			.detail = "This server is set up for a cluster, and these books are not a cluster's.",
			.hint = "tokpay.start_cluster() makes them one."});
	raise({.code = Code::not_leader,
		.detail = "These books are a cluster's, and this server is not set up for one.",
		.hint = how_to_set_up});
}

} // namespace tokpay

TOKPAY_FUNCTION(tokpay_require_cluster_setting) {
	using namespace tokpay;
	if (RecoveryInProgress())
		raise({.code = Code::not_leader, .detail = "This server is a standby."});
	if (!is_preloaded || !cluster_setting)
		raise({.code = Code::not_leader,
			.detail = "This server is not set up for a cluster.",
			.hint = how_to_set_up});
	PG_RETURN_VOID();
}

TOKPAY_FUNCTION(tokpay_cluster_changed) {
	CacheInvalidateRelcacheByRelid(
		reinterpret_cast<TriggerData *>(fcinfo->context)->tg_relation->rd_id);
	return PointerGetDatum(nullptr);
}
