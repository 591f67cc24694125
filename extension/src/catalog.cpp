#include "catalog.hpp"

namespace tokpay {

namespace {

struct RelationName {
	const char *name;
	Oid Catalog::*oid;
};

constexpr RelationName relation_names[] = {
	{"account_state", &Catalog::account_state},
	{"account_state_pkey", &Catalog::account_state_pkey},
	{"account_info", &Catalog::account_info},
	{"account_info_pkey", &Catalog::account_info_pkey},
	{"account_info_name_key", &Catalog::account_info_name_key},
	{"journal", &Catalog::journal},
	{"journal_id", &Catalog::journal_id},
	{"journal_key", &Catalog::journal_key},
	{"journal_target", &Catalog::journal_target},
	{"pending_hold", &Catalog::pending_hold},
	{"pending_hold_pkey", &Catalog::pending_hold_pkey},
	{"pending_hold_debit", &Catalog::pending_hold_debit},
	{"pending_hold_expires_at", &Catalog::pending_hold_expires_at},
	{"waypoint", &Catalog::waypoint},
	{"waypoint_pkey", &Catalog::waypoint_pkey},
	{"waypoint_at", &Catalog::waypoint_at},
	{"api_key", &Catalog::api_key},
	{"api_key_pkey", &Catalog::api_key_pkey},
	{"transfer_id_seq", &Catalog::transfer_id_seq},
	{"cluster", &Catalog::cluster},
};

Catalog current;
uint64 changes = 1; // of the catalogs that this backend was told of
uint64 loaded = 0;	// changes that current knows of
bool callbacks_registered = false;

void note_relcache_change(Datum, Oid) {
	changes++;
}

void note_syscache_change(Datum, int, uint32) {
	changes++;
}

// The extension's version in pg_extension, or null.
char *installed_version() {
	Relation extensions = table_open(ExtensionRelationId, AccessShareLock);
	ScanKeyData key;
	ScanKeyInit(&key, Anum_pg_extension_extname, BTEqualStrategyNumber, F_NAMEEQ,
		CStringGetDatum("tokpay"));
	SysScanDesc scan = systable_beginscan(extensions, ExtensionNameIndexId, true, nullptr, 1, &key);
	char *version = nullptr;
	if (HeapTuple row = systable_getnext(scan)) {
		bool is_null;
		const Datum value =
			heap_getattr(row, Anum_pg_extension_extversion, RelationGetDescr(extensions), &is_null);
		version = is_null ? nullptr : TextDatumGetCString(value);
	}
	systable_endscan(scan);
	table_close(extensions, AccessShareLock);
	return version;
}

// The newest row, whatever the transaction's snapshot shows. A change of it invalidates
// (tokpay_cluster_changed).
bool has_row(Oid table) {
	Relation heap = table_open(table, AccessShareLock);
	SysScanDesc scan = systable_beginscan(heap, InvalidOid, false, nullptr, 0, nullptr);
	const bool found = systable_getnext(scan) != nullptr;
	systable_endscan(scan);
	table_close(heap, AccessShareLock);
	return found;
}

void load() {
	if (!callbacks_registered) {
		CacheRegisterRelcacheCallback(note_relcache_change, Datum(0));
		// An update of the extension may change functions only.
		CacheRegisterSyscacheCallback(PROCOID, note_syscache_change, Datum(0));
		CacheRegisterSyscacheCallback(NAMESPACEOID, note_syscache_change, Datum(0));
		callbacks_registered = true;
	}
	// Any look-up may wait for a lock and raise, which leaves nothing half loaded; a change during
	// them is looked at by the next call.
	const uint64 seen = changes;
	Catalog found;
	const char *version = installed_version();
	if (version == nullptr || strcmp(version, TOKPAY_VERSION) != 0)
		ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("tokpay is version %s in this database, but this connection has loaded "
					   "library version %s",
					version ? version : "unknown", TOKPAY_VERSION),
				errhint("Reconnect to load the library that is installed now; a server that "
						"preloads it has to be restarted. If that does not help: ALTER EXTENSION "
						"tokpay UPDATE.")));
	const Oid schema = get_namespace_oid("tokpay", false);
	for (const RelationName &relation : relation_names) {
		const Oid oid = get_relname_relid(relation.name, schema);
		if (!OidIsValid(oid))
			ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE), errmsg("tokpay.%s is missing", relation.name),
					errhint("Part of the extension was dropped or renamed; restore it from a "
							"dump.")));
		found.*relation.oid = oid;
	}
	found.is_cluster = has_row(found.cluster);
	current = found;
	loaded = seen;
}

} // namespace

const Catalog &catalog() {
	if (loaded != changes)
		load();
	return current;
}

Relation open_heap(Oid table, LOCKMODE mode) {
	Relation heap = table_open(table, mode);
	if (heap->rd_rel->relam != HEAP_TABLE_AM_OID)
		ereport(
			ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					   errmsg("tokpay.%s is not stored as a heap", RelationGetRelationName(heap))));
	return heap;
}

void require_columns(Relation heap, int count) {
	if (RelationGetNumberOfAttributes(heap) != count)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						   errmsg("tokpay.%s has had columns added", RelationGetRelationName(heap)),
						   errhint("Keep further columns in a table of your own.")));
}

} // namespace tokpay
