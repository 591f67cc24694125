// gateway_batch and gateway_packed_batch: requests of every kind that moves or reserves money, each
// for a principal.

#include "account.hpp"
#include "call.hpp"
#include "epoch.hpp"
#include "fence.hpp"
#include "funding.hpp"
#include "gateway_outcome.hpp"
#include "principal.hpp"
#include "statistics.hpp"
#include "target.hpp"

#include <string_view>

namespace tokpay {

namespace {

// The fields of a gateway_request (sql/types.sql).
enum Field {
	field_kind,
	field_debit,
	field_credits,
	field_amounts,
	field_key,
	field_description,
	field_metadata,
	field_chain,
	field_target,
	field_expires_in,
	field_principal,
	field_count,
};

// The kind of a request by its name; 0 where there is none.
char kind_of(std::string_view name) {
	for (const char kind :
		{kind_transfer, kind_top_up, kind_hold, kind_capture, kind_void, kind_reverse})
		if (name == kind_name(kind))
			return kind;
	return 0;
}

constexpr bool has_target(char kind) {
	return kind == kind_capture || kind == kind_void || kind == kind_reverse;
}

// A request that is refused before the books are looked at.
Request refused(Refusal refusal) {
	Request request;
	request.refusal = refusal;
	return request;
}

// Reads the elements of one call. Whatever a principal does not reach is refused here, before
// anything else is looked up.
class RequestReader {
public:
	RequestReader() : principals_((begin_snapshot(), GetActiveSnapshot())) {}

	Request read(const NullableDatum *fields) {
		Request request = read_kind(fields);
		if (fields[field_chain].isnull)
			return request;
		request.in_chain = true;
		request.chain = DatumGetInt32(fields[field_chain].value);
		return request;
	}

	void end() {
		principals_.end();
		if (targets_ != nullptr)
			targets_->end();
		PopActiveSnapshot();
	}

private:
	static void begin_snapshot() {
		CommandCounterIncrement();
		PushActiveSnapshot(GetTransactionSnapshot());
	}

	Request read_kind(const NullableDatum *fields) {
		char kind = 0;
		if (!fields[field_kind].isnull) {
			text *name = DatumGetTextPP(fields[field_kind].value);
			kind = kind_of({VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name)});
		}
		if (kind == 0)
			return refused(invalid_request("kind is not that of a transfer."));
		text *principal = fields[field_principal].isnull
							  ? nullptr
							  : DatumGetTextPP(fields[field_principal].value);
		return has_target(kind) ? read_about_target(kind, fields, principal)
								: read_payment(kind, fields, principal);
	}

	// A transfer, hold or top-up: the principal reaches the payer, or the payee of a top-up.
	Request read_payment(char kind, const NullableDatum *fields, text *principal) {
		NullableDatum payment[field_metadata - field_debit + 1];
		std::copy(fields + field_debit, fields + field_metadata + 1, payment);
		if (kind == kind_top_up)
			payment[0] = {Int64GetDatum(0), false}; // follows from the credit
		Request request = read_request(payment);
		request.kind = kind;
		request.is_limited = principal != nullptr;
		if (kind == kind_hold && !fields[field_expires_in].isnull)
			request.expires_in = DatumGetIntervalP(fields[field_expires_in].value);
		if (request.expires_in != nullptr && request.refusal.code == Code::ok)
			request.refusal = check_expires_in(request.expires_in);
		if (kind == kind_top_up && request.credits.size() > 1)
			request.refusal = invalid_request("A top-up has one credit.");
		if (request.refusal.code != Code::ok)
			return request;

		const int64 own = kind == kind_top_up ? request.credits[0] : request.debit;
		if (Refusal refusal = check_reach(principal, own, account_not_found(own));
			refusal.code != Code::ok)
			return refused(refusal);
		if (kind == kind_top_up) {
			const std::optional<int64> funding = funding_account(own);
			if (!funding)
				return refused(account_not_found(own));
			request.debit = *funding;
		}
		return request;
	}

	// A capture, void or reverse: the principal reaches the payer of its target.
	Request read_about_target(char kind, const NullableDatum *fields, text *principal) {
		Request keyed;
		const auto text_of = [&](Field field) {
			return fields[field].isnull ? nullptr : DatumGetTextPP(fields[field].value);
		};
		keyed.key = text_of(field_key);
		keyed.description = kind == kind_reverse ? text_of(field_description) : nullptr;
		if (Refusal refusal = check_texts(keyed); refusal.code != Code::ok)
			return refused(refusal);
		const bool is_partial = kind == kind_capture && !fields[field_amounts].isnull;
		std::span<const int64> amounts;
		if (is_partial)
			if (Refusal refusal =
					check_captured(DatumGetArrayTypeP(fields[field_amounts].value), &amounts);
				refusal.code != Code::ok)
				return refused(refusal);
		if (fields[field_target].isnull)
			return refused(invalid_request("target is null."));
		if (!fields[field_chain].isnull)
			return refused(invalid_request("A capture, void or reverse is part of no chain."));

		const int64 id = DatumGetInt64(fields[field_target].value);
		const JournalRow *target = targets().find(id);
		const Refusal unknown = transfer_not_found(id);
		if (target == nullptr)
			return refused(unknown);
		if (Refusal refusal = check_reach(principal, target->debit, unknown);
			refusal.code != Code::ok)
			return refused(refusal);
		Request request = kind == kind_capture ? capture_of(target)
						  : kind == kind_void  ? void_of(target)
											   : reverse_of(target);
		request.key = keyed.key;
		request.description = keyed.description;
		if (is_partial)
			capture_partly(amounts, &request);
		return request;
	}

	Refusal check_reach(text *principal, int64 account, const Refusal &unknown) {
		switch (principals_.reach(principal, account)) {
		case Reach::yes:
			return {};
		case Reach::no:
			return unknown;
		case Reach::ended:
			return {
				.code = Code::not_permitted, .detail = "The API key is revoked or has expired."};
		}
		pg_unreachable();
	}

	TargetReader &targets() {
		if (targets_ == nullptr)
			targets_ = new (palloc(sizeof(TargetReader))) TargetReader(GetActiveSnapshot());
		return *targets_;
	}

	Principals principals_;
	TargetReader *targets_ = nullptr; // opened when it is needed
};

// The requests of a call, with what their answers depend on.
struct GatewayBatch {
	std::span<Request> requests;
	std::span<text *> principals;
	std::span<Outcome> outcomes;
};

GatewayBatch read_batch(ArrayType *array) {
	const auto principals = allocate<text *>(ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array)));
	RequestReader reader;
	const auto requests =
		read_requests<field_count>(array, [&](int i, const NullableDatum *fields) {
			if (!fields[field_principal].isnull)
				principals[i] = DatumGetTextPP(fields[field_principal].value);
			return reader.read(fields);
		});
	reader.end();
	return {requests, principals, allocate<Outcome>(requests.size())};
}

// For every request how many before it in the call are about the same target; last_turn is the
// highest of them.
std::span<uint32> turns(std::span<const Request> requests, uint32 *last_turn) {
	const auto turn = allocate<uint32>(requests.size());
	struct About {
		int64 target;
		size_t place;
	};
	Vector<About> about;
	for (size_t i = 0; i < requests.size(); i++)
		if (requests[i].target != nullptr && requests[i].refusal.code == Code::ok)
			about.push_back({requests[i].target->id, i});
	const std::span<About> sorted = about.all();
	std::ranges::sort(sorted, [](const About &a, const About &b) {
		return a.target != b.target ? a.target < b.target : a.place < b.place;
	});
	for (size_t i = 1; i < sorted.size(); i++)
		if (sorted[i].target == sorted[i - 1].target) {
			turn[sorted[i].place] = turn[sorted[i - 1].place] + 1;
			*last_turn = std::max(*last_turn, turn[sorted[i].place]);
		}
	return turn;
}

// A hold ends once and a transfer is reversed once, which the books find out from what was there
// before. So of several requests about one target all but the first wait for a turn of their own.
// They wait for no lock then: the first one has locked the same accounts.
void execute(const GatewayBatch &batch) {
	uint32 last_turn = 0;
	const std::span<uint32> turn = turns(batch.requests, &last_turn);
	if (last_turn == 0)
		execute_requests(batch.requests, batch.outcomes);
	for (uint32 now = 0; last_turn > 0 && now <= last_turn; now++) {
		Vector<Request> requests;
		Vector<size_t> places;
		for (size_t i = 0; i < batch.requests.size(); i++)
			if (turn[i] == now) {
				requests.push_back(batch.requests[i]);
				places.push_back(i);
			}
		const auto outcomes = allocate<Outcome>(requests.size());
		execute_requests(requests.all(), outcomes);
		for (size_t i = 0; i < outcomes.size(); i++)
			batch.outcomes[places[i]] = outcomes[i];
	}
	count_call(batch.outcomes);
}

// Makes rows of the outcomes and calls put(values, nulls) with each, reading under a snapshot of
// its own, after the call's changes, what neither a request nor its outcome has: metadata as
// stored, what is available now, who reaches what.
template<class Put> class OutcomeWriter {
public:
	OutcomeWriter(const GatewayBatch &batch, Put put)
		: put_(put), batch_(batch), accounts_(open_accounts(), snapshot()),
		  principals_(snapshot()) {}

	void write() {
		MemoryContext row_memory =
			AllocSetContextCreate(CurrentMemoryContext, "tokpay outcome", ALLOCSET_DEFAULT_SIZES);
		for (size_t i = 0; i < batch_.outcomes.size(); i++) {
			look_up(i);
			MemoryContext caller = MemoryContextSwitchTo(row_memory);
			put(i);
			MemoryContextSwitchTo(caller);
			MemoryContextReset(row_memory);
		}
	}

	void end() {
		if (journal_ != nullptr) {
			journal_->end();
			table_close(journal_heap_, NoLock);
		}
		principals_.end();
		accounts_.end();
		table_close(account_heap_, NoLock);
		PopActiveSnapshot();
	}

private:
	Relation open_accounts() {
		CommandCounterIncrement();
		PushActiveSnapshot(GetTransactionSnapshot());
		account_heap_ = open_heap(catalog().account_state, AccessShareLock);
		return account_heap_;
	}
	static Snapshot snapshot() { return GetActiveSnapshot(); }

	// Finds what outcome i needs; readers keep memory of their own from one row to the next.
	void look_up(size_t i) {
		const Outcome &outcome = batch_.outcomes[i];
		if (tells_available(outcome.refusal))
			account_ = accounts_.find(*outcome.refusal.account);
		metadata_ = batch_.requests[i].metadata;
		if (outcome.replayed && metadata_ != nullptr)
			metadata_ = stored_metadata(outcome.row->id);
	}

	void put(size_t i) {
		std::fill(values_, values_ + column_count, Datum(0));
		std::fill(nulls_, nulls_ + column_count, true);
		set(column_position, Int32GetDatum(static_cast<int32>(i) + 1));
		const Outcome &outcome = batch_.outcomes[i];
		set(column_code, CStringGetTextDatum(code_name(outcome.refusal.code)));
		if (outcome.refusal.code == Code::ok)
			put_transfer(batch_.requests[i], outcome, batch_.principals[i]);
		else
			put_refusal(outcome.refusal, batch_.principals[i]);
		put_(values_, nulls_);
	}

	static bool tells_available(const Refusal &refusal) {
		return refusal.code == Code::insufficient_funds && refusal.account;
	}

	void set(Column column, Datum value) {
		values_[column] = value;
		nulls_[column] = false;
	}

	void put_transfer(const Request &request, const Outcome &outcome, text *principal) {
		const JournalRow &row = *outcome.row;
		set(column_currency, PointerGetDatum(outcome.currency));
		set(column_transfer, Int64GetDatum(row.id));
		set(column_at, TimestampTzGetDatum(row.at));
		set(column_kind, CStringGetTextDatum(kind_name(row.kind)));
		set(column_debit, Int64GetDatum(row.debit));
		if (principals_.reaches(principal, row.debit)) {
			set(column_debit_balance, Int64GetDatum(row.debit_balance));
			set(column_debit_version, Int64GetDatum(row.debit_version));
		}
		if (request.target != nullptr) {
			set(column_credits, leg_array(row.legs, &Leg::account));
			set(column_amounts, leg_array(row.legs, &Leg::amount));
		}
		if (has_entries(row.kind))
			put_credit_states(row.legs, principal);
		set(column_replayed, BoolGetDatum(outcome.replayed));
		if (metadata_ != nullptr)
			set(column_metadata, JsonbPGetDatum(metadata_));
		if (row.expires_at != DT_NOEND)
			set(column_expires_at, TimestampTzGetDatum(row.expires_at));
	}

	// Balances and versions of the credited accounts, null for those out of reach.
	void put_credit_states(std::span<const Leg> legs, text *principal) {
		if (principal == nullptr) {
			set(column_credit_balances, leg_array(legs, &Leg::balance));
			set(column_credit_versions, leg_array(legs, &Leg::version));
			return;
		}
		const auto balances = allocate<Datum>(legs.size());
		const auto versions = allocate<Datum>(legs.size());
		const auto hidden = allocate<bool>(legs.size());
		for (size_t i = 0; i < legs.size(); i++) {
			hidden[i] = !principals_.reaches(principal, legs[i].account);
			balances[i] = Int64GetDatum(legs[i].balance);
			versions[i] = Int64GetDatum(legs[i].version);
		}
		int dimensions[] = {static_cast<int>(legs.size())};
		int lower_bounds[] = {1};
		const auto array = [&](std::span<Datum> elements) {
			return PointerGetDatum(construct_md_array(elements.data(), hidden.data(), 1, dimensions,
				lower_bounds, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
		};
		set(column_credit_balances, array(balances));
		set(column_credit_versions, array(versions));
	}

	// A replay may spell its numbers in another way than what was stored.
	Jsonb *stored_metadata(int64 transfer) {
		if (journal_ == nullptr) {
			journal_heap_ = open_heap(catalog().journal, AccessShareLock);
			journal_ = new (palloc(sizeof(JournalReader))) JournalReader(journal_heap_, snapshot());
		}
		const JournalRow *row = journal_->by_id(transfer);
		if (row == nullptr || row->metadata == nullptr)
			elog(ERROR, "transfer " INT64_FORMAT " has lost its metadata", transfer);
		return row->metadata;
	}

	// A refusal about an account out of reach keeps its code and tells no figures.
	void put_refusal(const Refusal &refusal, text *principal) {
		const char *detail = refusal.detail;
		bool has_amounts = refusal.has_amounts;
		if (refusal.account) {
			set(column_account, Int64GetDatum(*refusal.account));
			if (refusal.code != Code::account_not_found &&
				!principals_.reaches(principal, *refusal.account)) {
				detail = psprintf("Account " INT64_FORMAT " cannot take this.", *refusal.account);
				has_amounts = false;
			}
		}
		if (has_amounts) {
			set(column_balance, Int64GetDatum(refusal.balance));
			set(column_required, Int64GetDatum(refusal.required));
		}
		if (has_amounts && tells_available(refusal) && account_ != nullptr)
			set(column_available, Int64GetDatum(available(*account_)));
		if (detail != nullptr)
			set(column_detail, CStringGetTextDatum(detail));
	}

	Put put_;
	const GatewayBatch &batch_;
	Relation account_heap_ = nullptr;
	AccountReader accounts_;
	Principals principals_;
	// Of the outcome at hand.
	const AccountRow *account_ = nullptr;
	Jsonb *metadata_ = nullptr;
	Relation journal_heap_ = nullptr;
	JournalReader *journal_ = nullptr; // opened when it is needed
	Datum values_[column_count];
	bool nulls_[column_count];
};

// A gateway gives up a connection that does not answer, sends the requests again over another one,
// and tells clients what it is answered there, refusals too. So a call that gets to its locks only
// afterwards changes nothing; one that has them by then is what the repetition waits for.
void require_client() {
	if (MyProcPort != nullptr && !pq_check_connection())
		ereport(ERROR, (errcode(ERRCODE_CONNECTION_FAILURE), errmsg("connection to client lost"),
						   errdetail("Nothing was executed.")));
}

// Executes the requests of argument 0; put as in OutcomeWriter.
template<class Put> void execute_batch(FunctionCallInfo fcinfo, Put put) {
	if (PG_ARGISNULL(0))
		raise(invalid_request("requests is null."));
	CallMemory memory;
	require_leader();
	const GatewayBatch batch = read_batch(PG_GETARG_ARRAYTYPE_P(0));
	execute(batch);
	require_client();
	OutcomeWriter writer(batch, put);
	writer.write();
	writer.end();
	memory.release();
}

} // namespace

} // namespace tokpay

TOKPAY_FENCED_FUNCTION(tokpay_gateway_batch) {
	using namespace tokpay;
	InitMaterializedSRF(fcinfo, 0);
	auto *result = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);
	execute_batch(fcinfo, [result](Datum *values, bool *nulls) {
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	});
	return Datum(0);
}

TOKPAY_FENCED_FUNCTION(tokpay_gateway_packed_batch) {
	using namespace tokpay;
	require_leader();
	StringInfoData bytes;
	pq_begintypsend(&bytes);
	pack_epoch(&bytes);
	// For this call alone, as the SET clause of a function has it (fmgr_security_definer in
	// fmgr.c); an error ends the transaction and with it the setting.
	const int guc_level = NewGUCNestLevel();
	if (!PG_ARGISNULL(1))
		set_config_option("lock_timeout", psprintf("%d", PG_GETARG_INT32(1)), PGC_USERSET,
			PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	execute_batch(fcinfo,
		[&bytes](const Datum *values, const bool *nulls) { pack_outcome(&bytes, values, nulls); });
	AtEOXact_GUC(true, guc_level);
	PG_RETURN_BYTEA_P(pq_endtypsend(&bytes));
}
