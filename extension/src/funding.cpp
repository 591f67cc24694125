#include "funding.hpp"

#include "index_search.hpp"
#include "refusal.hpp"

namespace tokpay {

namespace {

// "funding/" and the account's currency, or null where there is no such account.
const char *funding_name(int64 account) {
	Relation states = open_heap(catalog().account_state, AccessShareLock);
	AccountReader reader(states, GetActiveSnapshot());
	const char *name = reader.find(account) == nullptr
						   ? nullptr
						   : psprintf("funding/%s", text_to_cstring(reader.currency()));
	reader.end();
	table_close(states, NoLock);
	return name;
}

} // namespace

std::optional<int64> funding_account(int64 account) {
	const char *name = funding_name(account);
	if (name == nullptr)
		return std::nullopt;
	Relation infos = open_heap(catalog().account_info, AccessShareLock);
	IndexSearch search(infos, GetActiveSnapshot());
	ScanKeyData keys[1];
	ScanKeyEntryInitialize(keys, 0, 1, BTEqualStrategyNumber, InvalidOid, C_COLLATION_OID, F_TEXTEQ,
		CStringGetTextDatum(name));
	search.begin(catalog().account_info_name_key, keys);
	TupleTableSlot *slot = table_slot_create(infos, nullptr);
	if (!search.next(slot)) {
		if (IsolationUsesXactSnapshot()) // it is younger
			raise_serialization_failure();
		elog(ERROR, "account %s is missing", name);
	}
	bool is_null;
	const int64 funding = DatumGetInt64(slot_getattr(slot, 1, &is_null));
	ExecDropSingleTupleTableSlot(slot);
	search.end();
	table_close(infos, NoLock);
	return funding;
}

} // namespace tokpay
