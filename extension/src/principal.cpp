#include "principal.hpp"

#include "fence.hpp"
#include "refusal.hpp"

#include <charconv>

namespace tokpay {

namespace {

// Columns of account_info and api_key (sql/tables.sql).
constexpr AttrNumber info_owner = 3;
constexpr AttrNumber key_accounts = 5;
constexpr AttrNumber key_expires_at = 7;
constexpr AttrNumber key_revoked_at = 9;

std::string_view view(text *value) {
	return {VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value)};
}

std::span<const int64> ascending(ArrayType *array) {
	const auto count = static_cast<size_t>(ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array)));
	const auto accounts = allocate<int64>(count);
	memcpy(accounts.data(), ARR_DATA_PTR(array), count * sizeof(int64));
	std::ranges::sort(accounts);
	return accounts;
}

} // namespace

Reach Principals::reach(text *principal, int64 account) {
	if (principal == nullptr)
		return Reach::yes;
	constexpr std::string_view key_prefix = "key:";
	constexpr std::string_view owner_prefix = "owner:";
	const std::string_view name = view(principal);
	if (name.starts_with(key_prefix))
		return reach_of_key(name.substr(key_prefix.size()), account);
	if (name.starts_with(owner_prefix) && is_owner(name.substr(owner_prefix.size()), account))
		return Reach::yes;
	return Reach::no;
}

Reach Principals::reach_of_key(std::string_view digits, int64 account) {
	int64 id = 0;
	const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), id);
	if (parsed.ec != std::errc() || parsed.ptr != digits.data() + digits.size())
		return Reach::no;
	const auto known = keys_.all();
	auto key = std::ranges::find(known, id, &ApiKey::id);
	if (key == known.end()) {
		MemoryContext caller = MemoryContextSwitchTo(context_);
		keys_.push_back(read_key(id));
		MemoryContextSwitchTo(caller);
		key = keys_.all().end() - 1;
	}
	if (!key->valid)
		return Reach::ended;
	return key->unlimited || std::ranges::binary_search(key->accounts, account) ? Reach::yes
																				: Reach::no;
}

Principals::ApiKey Principals::read_key(int64 id) {
	ApiKey key{.id = id, .valid = false, .unlimited = false, .accounts = {}};
	Relation heap = open_heap(catalog().api_key, AccessShareLock);
	IndexSearch search(heap, snapshot_);
	ScanKeyData keys[] = {equals(1, id)};
	search.begin(catalog().api_key_pkey, keys);
	TupleTableSlot *slot = table_slot_create(heap, nullptr);
	if (search.next(slot)) {
		bool no_list;
		bool no_expiry;
		bool not_revoked;
		const Datum accounts = slot_getattr(slot, key_accounts, &no_list);
		const Datum expires_at = slot_getattr(slot, key_expires_at, &no_expiry);
		slot_getattr(slot, key_revoked_at, &not_revoked);
		key.valid =
			not_revoked && (no_expiry || DatumGetTimestampTz(expires_at) > GetCurrentTimestamp());
		key.unlimited = no_list;
		if (!no_list)
			key.accounts = ascending(DatumGetArrayTypeP(accounts));
	}
	ExecDropSingleTupleTableSlot(slot);
	search.end();
	table_close(heap, NoLock);
	return key;
}

bool Principals::is_owner(std::string_view owner, int64 account) {
	MemoryContext caller = MemoryContextSwitchTo(context_);
	if (infos_ == nullptr) {
		infos_ = open_heap(catalog().account_info, AccessShareLock);
		info_ = table_slot_create(infos_, nullptr);
		owners_ = new (palloc(sizeof(IndexSearch))) IndexSearch(infos_, snapshot_);
	}
	ScanKeyData keys[] = {equals(1, account)};
	owners_->begin(catalog().account_info_pkey, keys);
	const bool found_one = owners_->next(info_);
	MemoryContextSwitchTo(caller);
	if (!found_one)
		return false;
	bool is_null;
	const Datum found = slot_getattr(info_, info_owner, &is_null);
	return !is_null && view(DatumGetTextPP(found)) == owner;
}

void Principals::end() {
	if (infos_ == nullptr)
		return;
	owners_->end();
	ExecDropSingleTupleTableSlot(info_);
	table_close(infos_, NoLock);
}

} // namespace tokpay

TOKPAY_FENCED_FUNCTION(tokpay_reaches) {
	using namespace tokpay;
	require_leader();
	if (PG_ARGISNULL(1))
		PG_RETURN_BOOL(false);
	text *principal = PG_ARGISNULL(0) ? nullptr : PG_GETARG_TEXT_PP(0);
	Principals principals(GetActiveSnapshot());
	const bool reaches = principals.reaches(principal, PG_GETARG_INT64(1));
	principals.end();
	PG_RETURN_BOOL(reaches);
}
