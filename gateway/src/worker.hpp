// One thread of the gateway: its event loop, its lanes, its counters. Workers share nothing.
#pragma once

#include "authenticator.hpp"
#include "config.hpp"
#include "feed.hpp"
#include "metrics.hpp"

#include <boost/asio/io_context.hpp>

namespace tokpay {

struct Worker {
	explicit Worker(const Config &config);

	const Config &config;
	boost::asio::io_context io{1};
	Metrics metrics;
	LaneRunner<BalanceCall> reads;
	LaneRunner<TransferCall> transfers;		   // as a teller, who cannot create money
	LaneRunner<TransferCall> funded_transfers; // for callers with the scope fund
	LaneRunner<StatementCall> statements;	   // everything else, one at a time
	Authenticator authenticator{statements};
	Feed feed{io, statements};
	bool stopping = false; // answers close their connections
};

} // namespace tokpay
