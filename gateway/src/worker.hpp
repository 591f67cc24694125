// One thread of the gateway: its event loop, its lanes, its counters. Workers share nothing.
#pragma once

#include "authenticator.hpp"
#include "config.hpp"
#include "feed.hpp"
#include "metrics.hpp"
#include "poller.hpp"
#include "request_log.hpp"
#include "tls.hpp"

#include <boost/asio/io_context.hpp>

#include <array>

namespace tokpay {

struct Worker {
	Worker(const Config &config, RateLimiter &limiter, const ServerTls *tls);

	const Config &config;
	RateLimiter &limiter; // everybody's
	const ServerTls *tls; // everybody's; none: the API's port is plain HTTP
	const std::string security_headers;
	boost::asio::io_context io{1};
	Poller poller{io};
	Metrics metrics;
	RequestLog request_log{config, metrics.left_out_lines, standard_log()};
	LaneRunner<BalanceCall> reads;
	LaneRunner<TransferCall> transfers;		   // as a teller, who cannot create money
	LaneRunner<TransferCall> funded_transfers; // for callers with the scope fund
	LaneRunner<StatementCall> statements;	   // everything else, one at a time
	LaneRunner<CredentialCall> credentials;	   // API keys
	Authenticator authenticator{io, config, credentials, statements, limiter};
	Feed feed{io, statements};
	// Memory that connections use in turn, within one call.
	std::array<char, 65536> scratch;
	HttpRequest request;
	bool stopping = false; // answers close their connections
};

} // namespace tokpay
