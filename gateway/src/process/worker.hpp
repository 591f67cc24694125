// One thread of the gateway: its event loop, its lanes, its counters. Workers share nothing;
// connections may go from one to another (listener.hpp).
#pragma once

#include "access/authenticator.hpp"
#include "http/memory_budget.hpp"
#include "http/poller.hpp"
#include "http/request_log.hpp"
#include "http/tls.hpp"
#include "http/turns.hpp"
#include "ledger/feed.hpp"
#include "process/config.hpp"
#include "process/metrics.hpp"
#include "web/web_files.hpp"

#include <boost/asio/io_context.hpp>

#include <array>
#include <list>

namespace tokpay {

// Bodies on their way in, and of requests that are not answered yet, together: sixteen of the
// largest. Those that came whole with their header are small and do not count.
constexpr size_t max_body_memory = size_t{128} * 1024 * 1024;
// Nor do those that are no larger than a header may be: large ones cannot keep out a payment.
constexpr size_t max_uncounted_body = size_t{16} * 1024;
// Answers that clients have not read, together; beyond it those who have not read for longest are
// closed.
constexpr size_t max_unread_bytes = size_t{128} * 1024 * 1024;

// Requests without a caller that wait for the database at once; the statement lane is for callers.
constexpr size_t max_strangers = 16;

// Statements of a caller who has a principal, of which the lane carries two at a time: somebody
// else's waits for no more than these.
constexpr size_t max_statements_of_caller = 4;
constexpr size_t max_waiting_statements_of_caller = 1000;

struct Worker {
	Worker(const Config &config, RateLimiter &limiter, const ServerTls *tls, Leadership &leadership,
		const WebFiles *web = nullptr);

	const Config &config;
	RateLimiter &limiter; // everybody's
	const ServerTls *tls; // everybody's; none: the API's port is plain HTTP
	const WebFiles *web;  // everybody's; none: there are no pages
	const std::string security_headers;
	const std::string page_headers;
	// Before io, which may keep requests.
	MemoryBudget bodies{max_body_memory};
	Turns statement_turns{max_statements_of_caller, max_waiting_statements_of_caller};
	boost::asio::io_context io{1};
	Poller poller{io};
	LeaderView leader;
	Metrics metrics;
	RequestLog request_log{config, metrics.left_out_lines, standard_log()};
	LaneRunner<BalanceCall> reads;
	LaneRunner<TransferCall> transfers;		   // as a teller, who cannot create money
	LaneRunner<TransferCall> funded_transfers; // for callers with the scope fund
	LaneRunner<StatementCall> statements;	   // everything else, one at a time
	LaneRunner<CredentialCall> credentials;	   // API keys and sessions
	Authenticator authenticator{io, config, credentials, statements, limiter};
	std::list<Provider> providers; // to sign in with
	Feed feed{io, statements};
	// Memory that connections use in turn, within one call.
	std::array<char, 65536> scratch;
	HttpRequest request;
	size_t handled_answers = 0; // that there are, with the coroutines that make them
	size_t unread_bytes = 0;	// of answers
	size_t strangers = 0;		// requests of nobody that wait for the database
	bool stopping = false;		// answers close their connections
};

} // namespace tokpay
