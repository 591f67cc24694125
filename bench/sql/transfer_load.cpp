// Moving money.
#include "binary.hpp"
#include "load.hpp"

#include <array>
#include <numeric>
#include <stdexcept>
#include <string_view>

namespace tokpay::bench {

namespace {

// Overwrites debit, credit and amount of one transfer.
void put(const Payment &payment, char *debit, char *credit, char *amount) {
	put_int8(debit, payment.debit);
	put_int8(credit, payment.credit);
	put_int8(amount, payment.amount);
}

// Where the value of a result's column is, in every row.
int column(const PGresult *result, const char *name) {
	const int number = PQfnumber(result, name);
	if (number < 0)
		throw std::runtime_error(std::string("the result has no column ") + name);
	return number;
}

void check_executed(const PGresult *result, int row, int replayed) {
	if (PQgetisnull(result, row, replayed) != 0 || *PQgetvalue(result, row, replayed) != 0)
		throw std::runtime_error("a transfer was replayed, or is not said not to be");
}

// tokpay.transfer with a key: one credit by pattern, or many from the payer, scattered over all
// accounts and no account twice.
class TransferLoad : public Load {
public:
	explicit TransferLoad(const Options &options)
		: options_(options), pattern_(options.pattern, options, options.hot_percent) {
		sql = "select * from tokpay.transfer($1, $2, $3, $4)";
		types = {int8_oid, int8_array_oid, int8_array_oid, text_oid};
		parameters.resize(types.size());
		parameters[0].resize(8);
		Int8Array::append(parameters[1], options.credits);
		Int8Array::append(parameters[2], options.credits);
		parameters[3].resize(Random::uuid_size);
		units_per_call = options.credits;
	}

	void encode(Random &random) override {
		random.uuid(parameters[3].data());
		if (options_.credits == 1) {
			put(pattern_.choose(random), parameters[0].data(),
				Int8Array::value(parameters[1].data(), 0),
				Int8Array::value(parameters[2].data(), 0));
			return;
		}
		put_int8(parameters[0].data(), options_.payer);
		int64_t step = 1 + random.below(options_.accounts - 1);
		while (std::gcd(step, options_.accounts) != 1)
			step = 1 + random.below(options_.accounts - 1);
		int64_t account = random.below(options_.accounts);
		for (size_t i = 0; i < static_cast<size_t>(options_.credits); i++) {
			account = (account + step) % options_.accounts;
			put_int8(Int8Array::value(parameters[1].data(), i), options_.first_account + account);
			put_int8(Int8Array::value(parameters[2].data(), i), random_amount(random));
		}
	}

	void check(const PGresult *result) const override {
		if (PQntuples(result) != 1)
			throw std::runtime_error("a transfer has no result");
		check_executed(result, 0, column(result, "replayed"));
	}

private:
	Options options_;
	Pattern pattern_;
};

// tokpay.transfer_batch: requests of one credit, each with a key. All requests of the array have
// the same layout, one stride apart.
class TransferBatchLoad : public Load {
public:
	TransferBatchLoad(const Options &options, Connection &connection)
		: options_(options), pattern_(options.pattern, options, options.hot_percent) {
		sql = "select * from tokpay.transfer_batch($1)";
		const ResultPtr type = connection.execute("select 'tokpay.transfer_request'::regtype::oid, "
												  "'tokpay.transfer_request[]'::regtype::oid");
		types = {oid(type.get(), 0, 1)};
		const std::string request = lay_out_request(connection);
		stride_ = 4 + request.size();
		parameters.emplace_back();
		append_array_head(parameters[0], oid(type.get(), 0, 0), options.batch);
		for (int64_t i = 0; i < options.batch; i++) {
			append_int4(parameters[0], static_cast<int64_t>(request.size()));
			parameters[0] += request;
		}
		units_per_call = options.batch;
	}

	void encode(Random &random) override {
		char *request = parameters[0].data() + Int8Array::head_size + 4;
		for (int64_t i = 0; i < options_.batch; i++, request += stride_) {
			put(pattern_.choose(random), request + debit_, Int8Array::value(request + credits_, 0),
				Int8Array::value(request + amounts_, 0));
			random.uuid(request + key_);
		}
	}

	void check(const PGresult *result) const override {
		if (PQntuples(result) != options_.batch)
			throw std::runtime_error("outcomes: " + std::to_string(PQntuples(result)));
		const int code = column(result, "code");
		const int replayed = column(result, "replayed");
		for (int row = 0; row < PQntuples(result); row++) {
			const std::string_view text(
				PQgetvalue(result, row, code), static_cast<size_t>(PQgetlength(result, row, code)));
			if (text != "ok")
				throw std::runtime_error("a transfer of the batch is " + std::string(text) + ": " +
										 PQgetvalue(result, row, column(result, "detail")));
			check_executed(result, row, replayed);
		}
	}

private:
	static Oid oid(const PGresult *result, int row, int column) {
		return static_cast<Oid>(std::stoul(PQgetvalue(result, row, column)));
	}

	// A record: the number of fields, then for each its type, length and value. Fields that this
	// load does not use are null.
	std::string lay_out_request(Connection &connection) {
		const ResultPtr fields =
			connection.execute("select attname, atttypid from pg_attribute a join pg_type t on "
							   "a.attrelid = t.typrelid "
							   "where t.oid = 'tokpay.transfer_request'::regtype and not "
							   "attisdropped order by attnum");
		std::string out;
		append_int4(out, PQntuples(fields.get()));
		for (int i = 0; i < PQntuples(fields.get()); i++) {
			const std::string_view name = PQgetvalue(fields.get(), i, 0);
			append_int4(out, oid(fields.get(), i, 1));
			std::string value;
			size_t *offset = nullptr;
			if (name == "debit") {
				offset = &debit_;
				value.resize(8);
			} else if (name == "credits" || name == "amounts") {
				offset = name == "credits" ? &credits_ : &amounts_;
				Int8Array::append(value, 1);
			} else if (name == "key") {
				offset = &key_;
				value.resize(Random::uuid_size);
			}
			append_int4(out, offset == nullptr ? -1 : static_cast<int64_t>(value.size()));
			if (offset != nullptr)
				*offset = out.size();
			out += value;
		}
		return out;
	}

	Options options_;
	Pattern pattern_;
	size_t stride_ = 0;
	// Offsets of the fields in a request.
	size_t debit_ = 0;
	size_t credits_ = 0;
	size_t amounts_ = 0;
	size_t key_ = 0;
};

// bench.plain_transfer: three numbers; it returns the transfer's id.
class PlainTransferLoad : public Load {
public:
	explicit PlainTransferLoad(const Options &options)
		: pattern_(options.pattern, options, options.hot_percent) {
		sql = "select bench.plain_transfer($1, $2, $3)";
		types.assign(3, int8_oid);
		parameters.assign(3, std::string(8, '\0'));
	}

	void encode(Random &random) override {
		put(pattern_.choose(random), parameters[0].data(), parameters[1].data(),
			parameters[2].data());
	}

	void check(const PGresult *result) const override {
		if (PQntuples(result) != 1 || PQgetisnull(result, 0, 0) != 0)
			throw std::runtime_error("a plain transfer has no id");
	}

private:
	Pattern pattern_;
};

// bench.plain_batch: three arrays; it returns how many transfers it did.
class PlainBatchLoad : public Load {
public:
	explicit PlainBatchLoad(const Options &options)
		: options_(options), pattern_(options.pattern, options, options.hot_percent) {
		sql = "select bench.plain_batch($1, $2, $3)";
		types.assign(3, int8_array_oid);
		parameters.resize(3);
		for (std::string &parameter : parameters)
			Int8Array::append(parameter, options.batch);
		units_per_call = options.batch;
	}

	void encode(Random &random) override {
		for (size_t i = 0; i < static_cast<size_t>(options_.batch); i++)
			put(pattern_.choose(random), Int8Array::value(parameters[0].data(), i),
				Int8Array::value(parameters[1].data(), i),
				Int8Array::value(parameters[2].data(), i));
	}

	void check(const PGresult *result) const override {
		if (PQntuples(result) != 1 || get_int8(PQgetvalue(result, 0, 0)) != options_.batch)
			throw std::runtime_error("a plain batch did not do all its transfers");
	}

private:
	Options options_;
	Pattern pattern_;
};

} // namespace

std::unique_ptr<Load> make_transfer_load(const Options &options, Connection &connection) {
	if (options.load == "transfer")
		return std::make_unique<TransferLoad>(options);
	if (options.load == "transfer-batch")
		return std::make_unique<TransferBatchLoad>(options, connection);
	if (options.load == "plain-transfer")
		return std::make_unique<PlainTransferLoad>(options);
	if (options.load == "plain-batch")
		return std::make_unique<PlainBatchLoad>(options);
	return nullptr;
}

} // namespace tokpay::bench
