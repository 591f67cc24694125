// Which handler answers a request, and who may ask.
#pragma once

#include "api/handlers.hpp"

#include <vector>

namespace tokpay {

struct Route {
	const char *method;
	// With {id} for an id, {provider} for a name; of pages {page} for any path, {file} for a file.
	const char *path;
	bool Caller::*scope; // null: any caller
	Handler handler;
	Start start = nullptr;	 // a faster way to the same answer
	bool is_public = false;	 // no credential is asked for
	bool is_page = false;	 // of the web app: there where that is, and has HEAD
	bool only_reads = false; // although it is no GET
};

extern const std::vector<Route> routes;

// Index in the metrics of requests that meet no route.
size_t no_route();

// The names of the routes for the metrics, no_route() last.
std::vector<const char *> route_names();

// Answers a request at once or by a lane, where that is all it takes and the caller is known;
// nothing where answer() has to.
std::unique_ptr<PendingAnswer> start_direct(
	Worker &worker, const HttpRequest &request, Clock::time_point now);

// Why a request will be refused whatever its body is; nothing where that is not certain.
boost::asio::awaitable<std::optional<Problem>> find_refusal(
	Worker &worker, const HttpRequest &request);

// Answers a request; route is set to its index in the metrics, and caller where it is known whose
// it is. Never throws.
boost::asio::awaitable<Response> answer(
	Worker &worker, const HttpRequest &request, size_t &route, CallerPtr &caller);

} // namespace tokpay
