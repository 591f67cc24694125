// Reading balances.
#include "binary.hpp"
#include "load.hpp"

#include <stdexcept>

namespace tokpay::bench {

namespace {

// The result has one row, a balance.
class BalanceLoad : public Load {
public:
	BalanceLoad(const Options &options, const char *statement) : options_(options) {
		sql = statement;
		types = {int8_oid};
		parameters = {std::string(8, '\0')};
	}

	void encode(Random &random) override {
		put_int8(parameters[0].data(), random_account(options_, random));
	}

	void check(const PGresult *result) const override {
		if (PQntuples(result) != 1 || PQgetisnull(result, 0, 0) != 0)
			throw std::runtime_error("an account has no balance");
	}

private:
	Options options_;
};

// The result has a row for every account. `id = any` gives an account that was asked for twice
// once.
class BalancesLoad : public Load {
public:
	BalancesLoad(const Options &options, const char *statement, bool row_per_element)
		: options_(options), row_per_element_(row_per_element) {
		sql = statement;
		types = {int8_array_oid};
		parameters.emplace_back();
		Int8Array::append(parameters[0], options.batch);
		units_per_call = options.batch;
	}

	void encode(Random &random) override {
		for (size_t i = 0; i < static_cast<size_t>(options_.batch); i++)
			put_int8(Int8Array::value(parameters[0].data(), i), random_account(options_, random));
	}

	void check(const PGresult *result) const override {
		const int64_t rows = PQntuples(result);
		if (row_per_element_ ? rows != options_.batch : rows < 1 || rows > options_.batch)
			throw std::runtime_error("rows: " + std::to_string(rows));
		const int balance = PQfnumber(result, "balance");
		for (int row = 0; row < rows; row++)
			if (PQgetisnull(result, row, balance) != 0)
				throw std::runtime_error("an account has no balance");
	}

private:
	Options options_;
	bool row_per_element_;
};

} // namespace

std::unique_ptr<Load> make_read_load(const Options &options) {
	if (options.load == "balance")
		return std::make_unique<BalanceLoad>(options, "select tokpay.balance($1)");
	if (options.load == "plain-balance")
		return std::make_unique<BalanceLoad>(
			options, "select balance from bench.plain_account where id = $1");
	if (options.load == "balances")
		return std::make_unique<BalancesLoad>(options, "select * from tokpay.balances($1)", true);
	if (options.load == "plain-balances")
		return std::make_unique<BalancesLoad>(options,
			"select id, balance, currency from bench.plain_account where id = any($1)", false);
	return nullptr;
}

} // namespace tokpay::bench
