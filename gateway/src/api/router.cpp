#include "api/router.hpp"

#include "api/object_reader.hpp"

#include <algorithm>
#include <iterator>

namespace tokpay {

namespace asio = boost::asio;

const std::vector<Route> routes = {
	{"GET", "/v1/accounts/{id}/balance", &Caller::read, get_balance, start_get_balance},
	{"POST", "/v1/transfers", &Caller::transfer, post_transfer, start_post_transfer},
	{"POST", "/v1/balances:query", &Caller::read, query_balances, nullptr, false, false, true},
	{"POST", "/v1/transfers:batch", &Caller::transfer, post_transfer_batch},
	{"GET", "/v1/transfers/{id}", &Caller::read, get_transfer},
	{"GET", "/v1/transfers", &Caller::read, find_transfer},
	{"POST", "/v1/top-ups", &Caller::top_up, post_top_up},
	{"POST", "/v1/transfers:preview", &Caller::transfer, preview_transfer, nullptr, false, false,
		true},
	{"POST", "/v1/transfers/{id}:reverse", &Caller::admin, reverse_transfer},
	{"POST", "/v1/transfers/{id}:refund", &Caller::transfer, refund_transfer},
	{"POST", "/v1/holds", &Caller::transfer, post_hold},
	{"POST", "/v1/holds/{id}:capture", &Caller::transfer, capture_hold},
	{"POST", "/v1/holds/{id}:void", &Caller::transfer, void_hold},
	{"GET", "/v1/holds", &Caller::read, list_holds},
	{"GET", "/v1/accounts/{id}/entries", &Caller::read, get_entries},
	{"GET", "/v1/accounts/{id}/summary", &Caller::read, get_summary},
	{"GET", "/v1/events", &Caller::read, get_events},
	{"PATCH", "/v1/accounts/{id}", &Caller::admin, patch_account},
	{"GET", "/v1/me", nullptr, get_me},
	{"PATCH", "/v1/me", &Caller::has_session, patch_me},
	{"GET", "/v1/me/sessions", &Caller::has_session, list_sessions},
	{"DELETE", "/v1/me/sessions", &Caller::has_session, end_sessions},
	{"DELETE", "/v1/me/sessions/{id}", &Caller::has_session, end_session},
	{"GET", "/v1/me/export", &Caller::has_session, export_me},
	{"GET", "/v1/recipients", &Caller::has_session, list_recipients},
	{"POST", "/v1/recipients:resolve", &Caller::has_session, resolve_recipients},
	{"GET", "/v1/config", nullptr, get_config, nullptr, true},
	{"GET", "/auth/login", nullptr, get_login, nullptr, true},
	{"GET", "/auth/callback/{provider}", nullptr, get_callback, nullptr, true},
	{"GET", "/auth/session", nullptr, get_session, nullptr, true},
	{"POST", "/auth/logout", &Caller::has_session, post_logout},
	{"GET", "/openapi.json", nullptr, get_openapi, nullptr, true},
	{"GET", "/v1/accounts/{id}", &Caller::read, get_account},
	{"GET", "/v1/accounts", &Caller::admin, list_accounts},
	{"POST", "/v1/accounts", &Caller::admin, open_account},
	{"GET", "/", nullptr, get_landing_page, nullptr, true, true},
	{"GET", "/app", nullptr, get_app_page, nullptr, true, true},
	{"GET", "/app/{page}", nullptr, get_app_page, nullptr, true, true},
	{"GET", "/{file}", nullptr, get_file, nullptr, true, true},
};

size_t no_route() {
	return routes.size();
}

std::vector<const char *> route_names() {
	static const std::vector<std::string> names = [] {
		std::vector<std::string> made;
		made.reserve(routes.size() + 1);
		for (const Route &route : routes)
			made.push_back(std::string(route.method) + ' ' + route.path);
		made.emplace_back("none");
		return made;
	}();
	std::vector<const char *> pointers;
	pointers.reserve(names.size());
	for (const std::string &name : names)
		pointers.push_back(name.c_str());
	return pointers;
}

namespace {

// Whether a path meets a pattern; the text at its {name} comes back in part.
bool meets(std::string_view path, std::string_view pattern, std::string_view *part) {
	const size_t at = pattern.find('{');
	if (at == std::string_view::npos)
		return path == pattern;
	const std::string_view tail = pattern.substr(pattern.find('}') + 1);
	if (!path.starts_with(pattern.substr(0, at)) || path.size() < at + tail.size() ||
		!path.ends_with(tail))
		return false;
	*part = path.substr(at, path.size() - at - tail.size());
	return !part->empty() && part->find_first_of("/:") == std::string_view::npos;
}

// The same for a page's, of an app that may not be there.
bool meets_page(std::string_view path, std::string_view pattern, const WebFiles *web) {
	if (web == nullptr)
		return false;
	if (pattern == "/{file}")
		return web->find(path) != nullptr;
	constexpr std::string_view any = "{page}";
	if (!pattern.ends_with(any))
		return path == pattern;
	pattern.remove_suffix(any.size());
	return path.starts_with(pattern);
}

bool takes(const Route &route, std::string_view method) {
	return method == route.method || (route.is_page && method == "HEAD");
}

struct Match {
	const Route *route = nullptr;
	std::string_view part; // of the path, that the route has a name for
	std::string allowed;   // methods of the path, where only the method is wrong
};

Match match(const Worker &worker, const HttpRequest &request) {
	const std::string_view path = request.target.substr(0, request.target.find('?'));
	Match found;
	for (const Route &route : routes) {
		std::string_view part;
		if (!(route.is_page ? meets_page(path, route.path, worker.web)
							: meets(path, route.path, &part)))
			continue;
		if (takes(route, request.method)) {
			found.route = &route;
			found.part = part;
			return found;
		}
		found.allowed += (found.allowed.empty() ? "" : ", ") + std::string(route.method) +
						 (route.is_page ? ", HEAD" : "");
	}
	return found;
}

const char *scope_name(bool Caller::*scope) {
	return scope == &Caller::read		? "read"
		   : scope == &Caller::transfer ? "transfer"
		   : scope == &Caller::top_up	? "fund"
										: "admin";
}

Problem no_such_route(const Match &found) {
	if (found.allowed.empty())
		return not_found("There is nothing at this path.");
	return {.status = 405,
		.code = "method_not_allowed",
		.detail = "This path takes " + found.allowed + ".",
		.headers = {{"Allow", found.allowed}}};
}

bool changes_something(const Route &route) {
	return std::string_view(route.method) != "GET" && !route.only_reads;
}

bool may_use(const Caller &caller, const Route &route) {
	return route.scope == nullptr || caller.*route.scope;
}

// A browser sends its cookie along whoever makes it send a request.
std::optional<Problem> find_csrf(
	const Worker &worker, const Caller &caller, const HttpRequest &request) {
	if (!caller.has_session)
		return std::nullopt;
	return csrf_problem(request, worker.config.public_url);
}

Problem scope_missing(bool Caller::*scope) {
	if (scope == &Caller::has_session)
		return {403, "forbidden", "This is for people who have signed in with a browser."};
	const std::string name = scope_name(scope);
	return {.status = 403,
		.code = "forbidden",
		.detail = "This needs the scope " + name + '.',
		.headers = {
			{"WWW-Authenticate", "Bearer error=\"insufficient_scope\", scope=\"" + name + '"'}}};
}

// A response or a problem with what every answer to this request carries.
template<class Answer> Answer with_headers(const Exchange &exchange, Answer answer) {
	std::ranges::copy(exchange.headers, std::back_inserter(answer.headers));
	return answer;
}

asio::awaitable<Response> handle(const Route &route, Exchange &exchange) {
	auto result = co_await route.handler(exchange);
	Response response = result ? std::move(*result) : to_response(result.error());
	response.epoch = exchange.epoch;
	co_return with_headers(exchange, std::move(response));
}

asio::awaitable<Result<Response>> dispatch(
	Worker &worker, const HttpRequest &request, size_t &route, CallerPtr &known_caller) {
	const Match found = match(worker, request);
	if (found.route == nullptr)
		co_return no_such_route(found);
	route = static_cast<size_t>(found.route - routes.data());

	Exchange exchange{.worker = worker,
		.request = request,
		.part = found.part,
		.caller = nullptr,
		.deadline = Clock::now() + worker.config.request_deadline};
	if (found.route->is_public) {
		Response response = co_await handle(*found.route, exchange);
		known_caller = exchange.caller;
		co_return response;
	}
	const auto caller = co_await worker.authenticator.authenticate(request, exchange.deadline);
	if (!caller)
		co_return caller.error();
	exchange.caller = known_caller = *caller;
	if (auto problem = find_csrf(worker, **caller, request))
		co_return with_headers(exchange, std::move(*problem));
	if (auto refusal = check_quota(
			worker.limiter, **caller, changes_something(*found.route), exchange.headers))
		co_return std::move(*refusal);
	if (!may_use(**caller, *found.route))
		co_return with_headers(exchange, scope_missing(found.route->scope));
	if (std::string_view(found.route->method) != "GET")
		if (const auto none = parameters(request, {}); !none)
			co_return with_headers(exchange, none.error());
	if (!found.part.empty()) {
		const auto id = parse_id(found.part);
		if (!id)
			co_return with_headers(
				exchange, not_found("An id is a number from 1 to 9223372036854775807."));
		exchange.id = *id;
	}
	co_return co_await handle(*found.route, exchange);
}

} // namespace

std::unique_ptr<PendingAnswer> start_direct(
	Worker &worker, const HttpRequest &request, Clock::time_point now) {
	const Match found = match(worker, request);
	if (found.route == nullptr || found.route->start == nullptr ||
		request.target.find('?') != std::string_view::npos)
		return nullptr;
	Exchange exchange{.worker = worker,
		.request = request,
		.caller = worker.authenticator.known(request.header("Authorization").value_or("")),
		.deadline = now + worker.config.request_deadline};
	if (exchange.caller == nullptr || exchange.caller->quota ||
		!may_use(*exchange.caller, *found.route))
		return nullptr;
	if (!found.part.empty())
		exchange.id = parse_id(found.part).value_or(0);
	auto answer = found.route->start(exchange);
	if (answer != nullptr) {
		answer->route = static_cast<size_t>(found.route - routes.data());
		answer->caller = std::move(exchange.caller);
	}
	return answer;
}

asio::awaitable<std::optional<Problem>> find_refusal(Worker &worker, const HttpRequest &request) {
	const Match found = match(worker, request);
	if (found.route == nullptr)
		co_return no_such_route(found);
	if (found.route->is_public) // all of them are GETs; nobody's body takes memory from others
		co_return Problem{413, "too_large", "This path takes no body."};
	const auto deadline = Clock::now() + worker.config.request_deadline;
	const auto caller = co_await worker.authenticator.authenticate(request, deadline);
	if (!caller)
		co_return caller.error();
	if (!may_use(**caller, *found.route))
		co_return scope_missing(found.route->scope);
	co_return find_csrf(worker, **caller, request);
}

asio::awaitable<Response> answer(
	Worker &worker, const HttpRequest &request, size_t &route, CallerPtr &caller) {
	route = no_route();
	try {
		auto result = co_await dispatch(worker, request, route, caller);
		if (result)
			co_return std::move(*result);
		co_return to_response(result.error());
	} catch (const std::exception &error) {
		log_message(std::string(route_names()[route]) + ": " + error.what());
	}
	co_return to_response(internal_error());
}

} // namespace tokpay
