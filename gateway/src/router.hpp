// Which handler answers a request, and who may ask.
#pragma once

#include "handlers.hpp"

#include <vector>

namespace tokpay {

struct Route {
	const char *method;
	const char *path;	 // with {id} for an id
	bool Caller::*scope; // null: any caller
	Handler handler;
	bool is_public = false; // no credential is asked for
};

extern const std::vector<Route> routes;

// Index in the metrics of requests that meet no route.
size_t no_route();

// The names of the routes for the metrics, no_route() last.
std::vector<const char *> route_names();

// Answers a request; route is set to its index in the metrics. Never throws.
boost::asio::awaitable<Response> answer(Worker &worker, const HttpRequest &request, size_t &route);

} // namespace tokpay
