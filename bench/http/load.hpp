// A load is one kind of request. Its text is laid out once; each request then only overwrites the
// ids, amounts and keys in it, so all of them are of the same length.
#pragma once

#include "options.hpp"
#include "reply.hpp"

#include "measure/random.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace tokpay::bench {

class Load {
public:
	virtual ~Load() = default;

	// Makes another request of a copy of the layout.
	virtual void encode(Random &random, char *request) const = 0;

	// Throws std::runtime_error unless the body is what this request has to be answered with.
	virtual void check(const char *request, std::string_view body) const = 0;

	std::string layout;
	unsigned status = 200;		// of every answer
	int64_t units_per_call = 1; // balances or transfers: what a rate counts
};

// The names, and what they request:
//   static		GET --path, without credentials: an answer that needs no database
//   balance	GET /v1/accounts/{id}/balance of a random account
//   balances	POST /v1/balances:query of --batch random accounts
//   transfer	POST /v1/transfers, one credit, with a random key
//   batch		POST /v1/transfers:batch of --batch of these
// Throws std::invalid_argument for another name.
std::unique_ptr<Load> make_load(const std::string &name, const Options &options);

// The two families of make_load: null where the name is of the other one.
std::unique_ptr<Load> make_read_load(const std::string &name, const Options &options);
std::unique_ptr<Load> make_transfer_load(const std::string &name, const Options &options);

// The headers of every request, Host and credentials. Throws std::invalid_argument where there is
// no key.
constexpr const char *host_header = "Host: 127.0.0.1\r\n";
std::string headers(const Options &options);

} // namespace tokpay::bench
