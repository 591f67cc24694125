// A libpq connection. Everything throws std::runtime_error with the server's message.
#pragma once

#include <libpq-fe.h>

#include <memory>
#include <string>
#include <vector>

namespace tokpay::bench {

struct ClearResult {
	void operator()(PGresult *result) const { PQclear(result); }
};
using ResultPtr = std::unique_ptr<PGresult, ClearResult>;

class Connection {
public:
	// application_name is what pg_stat_activity shows.
	Connection(const std::string &database, const char *application_name);

	// Runs one statement without parameters; results are text.
	ResultPtr execute(const std::string &sql);

	// The calls below are all of one statement with results in binary format.
	void prepare(const std::string &sql, const std::vector<Oid> &types);
	void send(const std::vector<std::string> &parameters);

	// Takes what the socket has; the result once the whole answer is here, null before that.
	ResultPtr receive();

	int socket() const { return PQsocket(connection_.get()); }

private:
	struct Finish {
		void operator()(PGconn *connection) const { PQfinish(connection); }
	};

	std::unique_ptr<PGconn, Finish> connection_;
	ResultPtr arriving_; // its ReadyForQuery is still to come
	std::vector<const char *> values_;
	std::vector<int> lengths_;
	std::vector<int> formats_;
};

} // namespace tokpay::bench
