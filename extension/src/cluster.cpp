#include "cluster.hpp"

#include "catalog.hpp"
#include "commit_gate.hpp"
#include "fence.hpp"

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
	define_fence_settings();
	MarkGUCPrefixReserved("tokpay");
}

bool is_cluster_machine() {
	return cluster_setting && is_preloaded;
}

bool is_cluster_as_set() {
	const bool is_cluster = catalog().is_cluster;
	if (!is_cluster && !cluster_setting)
		return false;
	if (is_cluster && is_cluster_machine())
		return true;
#ifdef TOKPAY_WITHOUT_MODE_CHECK
	return false;
#endif
	if (!is_cluster)
		refuse(Doubt::set_up,
			"This server is set up for a cluster, and these books are not a cluster's.",
			"tokpay.start_cluster() makes them one.");
	refuse(Doubt::set_up, "These books are a cluster's, and this server is not set up for one.",
		how_to_set_up);
}

const char *cluster_database() {
	return database_setting;
}

} // namespace tokpay

TOKPAY_FUNCTION(tokpay_require_cluster_setting) {
	using namespace tokpay;
	if (RecoveryInProgress())
		refuse(Doubt::set_up, "This server is a standby.");
	if (!is_cluster_machine())
		refuse(Doubt::set_up, "This server is not set up for a cluster.", how_to_set_up);
	if (strcmp(get_database_name(MyDatabaseId), cluster_database()) != 0)
		refuse(Doubt::set_up, "The cluster's books are those of another database.",
			"tokpay.database names it.");
	PG_RETURN_VOID();
}

TOKPAY_FUNCTION(tokpay_cluster_changed) {
	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR, errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
			errmsg("cluster_changed can only be called as a trigger"));
	if (tokpay::is_cluster_machine())
		tokpay::revoke_leadership_at_commit();
	CacheInvalidateRelcacheByRelid(
		reinterpret_cast<TriggerData *>(fcinfo->context)->tg_relation->rd_id);
	return PointerGetDatum(nullptr);
}
