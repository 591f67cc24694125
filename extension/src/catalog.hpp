// The extension's relations and its version, looked up once and again after the catalog changed.
#pragma once

#include "postgres.hpp"

namespace tokpay {

struct Catalog {
	Oid account_state;
	Oid account_state_pkey;
	Oid account_info;
	Oid account_info_pkey;
	Oid account_info_name_key;
	Oid journal;
	Oid journal_id;
	Oid journal_key;
	Oid journal_target;
	Oid pending_hold;
	Oid pending_hold_pkey;
	Oid pending_hold_debit;
	Oid pending_hold_expires_at;
	Oid waypoint;
	Oid waypoint_pkey;
	Oid waypoint_at;
	Oid api_key;
	Oid api_key_pkey;
	Oid transfer_id_seq;
	Oid cluster;
	bool is_cluster; // the table cluster has its row
};

// Errors: a relation is missing; the version of the extension in this database is not this
// library's (55000).
const Catalog &catalog();

// A table of the extension, which has to be a heap: the C++ code knows no other storage. Locks are
// kept until the transaction ends, as the executor keeps them.
Relation open_heap(Oid table, LOCKMODE mode);

// Raises 0A000 where a table has other columns than the ones that rows are made of.
void require_columns(Relation heap, int count);

} // namespace tokpay
