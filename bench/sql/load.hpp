// A load is one prepared statement, called again and again with other parameters by one connection.
#pragma once

#include "connection.hpp"
#include "options.hpp"

#include "measure/random.hpp"

#include <memory>
#include <string>
#include <vector>

namespace tokpay::bench {

class Load {
public:
	virtual ~Load() = default;

	// Sets the parameters of the next call.
	virtual void encode(Random &random) = 0;

	// Throws unless the result is what the call has to bring.
	virtual void check(const PGresult *result) const = 0;

	std::string sql;
	std::vector<Oid> types;
	std::vector<std::string> parameters;
	int64_t units_per_call = 1; // rows, transfers or credits: what a rate counts
};

// Asks the connection for the oids that the format needs. Each name of a load, and what it calls:
//   balance, plain-balance		   one random account
//   balances, plain-balances	   --batch random accounts
//   transfer, plain-transfer	   one transfer; of --credits, and then from the payer
//   transfer-batch, plain-batch   --batch transfers of one credit
// The plain ones are the baselines of plain.sql. Throws std::invalid_argument for another name.
std::unique_ptr<Load> make_load(const Options &options, Connection &connection);

// The two families of make_load: null where the name is of the other one.
std::unique_ptr<Load> make_read_load(const Options &options);
std::unique_ptr<Load> make_transfer_load(const Options &options, Connection &connection);

} // namespace tokpay::bench
