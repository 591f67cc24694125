#include "api/handlers.hpp"

#include "api/object_reader.hpp"
#include "http/conditional.hpp"
#include "http/web_address.hpp"
#include "text/json_writer.hpp"
#include "web/web_files.hpp"

#include <boost/url/encode.hpp>
#include <boost/url/rfc/unreserved_chars.hpp>

#include <algorithm>

namespace tokpay {

namespace asio = boost::asio;

namespace {

constexpr const char *overview_entries = "/entries?limit=10";

// A path and its query as the value of a parameter.
std::string encoded(std::string_view text) {
	return boost::urls::encode({text.data(), text.size()}, boost::urls::unreserved_chars + '/');
}

std::string_view path_of(const HttpRequest &request) {
	return request.target.substr(0, request.target.find('?'));
}

Response html_response(std::string body) {
	return {.body = std::move(body), .content_type = "text/html; charset=utf-8", .is_page = true};
}

Response see_other(std::string location) {
	Response response{.status = 303, .content_type = "text/plain", .is_page = true};
	response.headers.emplace_back("Location", std::move(location));
	return response;
}

// Cookies of localhost are not those of 127.0.0.1, nor is it the same origin: who comes to one of
// the names is sent to the other, which the public URL has.
std::optional<Response> redirect_to_public_url(const Exchange &exchange) {
	const std::string &url = exchange.worker.config.public_url;
	const auto address = parse_web_address(url);
	if (!address || !address->is_loopback() || address->host == "localhost")
		return std::nullopt;
	WebAddress localhost = *address;
	localhost.host = "localhost";
	if (exchange.request.header("Host") != localhost.host_header())
		return std::nullopt;
	return see_other(url + std::string(exchange.request.target));
}

// Who is signed in, none for anybody else, who keeps no cookie of a session that is over; 503 where
// that cannot be found out.
asio::awaitable<Result<CallerPtr>> visitor(Exchange &exchange) {
	Result<CallerPtr> caller =
		co_await exchange.worker.authenticator.authenticate(exchange.request, exchange.deadline);
	if (!caller && caller.error().status != 401)
		co_return caller;
	if (!caller)
		std::ranges::copy_if(caller.error().headers, std::back_inserter(exchange.headers),
			[](const auto &header) { return std::string_view(header.first) == "Set-Cookie"; });
	if (!caller || !(*caller)->has_session)
		co_return CallerPtr();
	co_return caller;
}

// A page on its way: what the app will ask for is asked on the way, by the same functions.
class AppPage {
public:
	explicit AppPage(Exchange &exchange) : exchange_(exchange) {}

	void add(std::string url, std::string body) {
		entries_.push_back({std::move(url), std::move(body)});
	}

	// Adds the answer to a GET of a URL, where it succeeds: then its body.
	asio::awaitable<std::optional<std::string>> ask(
		Handler handler, std::string url, int64_t id = 0) {
		HttpRequest request;
		request.method = "GET";
		request.target = url;
		const auto cookie = exchange_.request.header("Cookie");
		if (cookie && exchange_.caller != nullptr)
			request.headers.push_back({"Cookie", *cookie});
		Exchange inner{.worker = exchange_.worker,
			.request = request,
			.id = id,
			.caller = exchange_.caller,
			.deadline = exchange_.deadline};
		auto answer = co_await handler(inner);
		if (!answer || answer->status != 200)
			co_return std::nullopt;
		if (inner.epoch) // the page is as old as the oldest of what it tells
			exchange_.epoch = std::min(exchange_.epoch.value_or(*inner.epoch), *inner.epoch);
		add(std::move(url), answer->body);
		co_return std::move(answer->body);
	}

	Response response(const PageLook &look) const {
		return html_response(exchange_.worker.web->page().fill(look, entries_));
	}

private:
	Exchange &exchange_;
	std::vector<PageEntry> entries_;
};

// What a page needs to know of the answer to GET /v1/me.
struct Me {
	PageLook look;
	std::string wallet; // its id
};

Me read_me(const std::optional<std::string> &body) {
	Me me;
	std::string why;
	const auto document = json::Document::parse(body.value_or(""), &why);
	if (!document)
		return me;
	const auto text = [&](uint32_t object, const char *name, std::string *to) {
		const auto member = document->member(object, name);
		if (member && (*document)[*member].type == json::Type::string)
			*to = (*document)[*member].text;
	};
	text(0, "locale", &me.look.locale);
	text(0, "theme", &me.look.theme);
	if (const auto accounts = document->member(0, "accounts"))
		document->for_each(*accounts, [&](uint32_t account) {
			if (me.wallet.empty())
				text(account, "id", &me.wallet);
		});
	return me;
}

asio::awaitable<Response> landing_page(Exchange &exchange, std::vector<PageEntry> extra) {
	const auto caller = co_await visitor(exchange);
	if (caller)
		exchange.caller = *caller;
	AppPage page(exchange);
	co_await page.ask(get_config, "/v1/config");
	if (caller)
		co_await page.ask(get_session, "/auth/session");
	PageLook look;
	if (exchange.caller != nullptr)
		look = read_me(co_await page.ask(get_me, "/v1/me")).look;
	for (PageEntry &entry : extra)
		page.add(std::move(entry.url), std::move(entry.body));
	co_return page.response(look);
}

} // namespace

Reply get_landing_page(Exchange &exchange) {
	if (auto elsewhere = redirect_to_public_url(exchange))
		co_return std::move(*elsewhere);
	std::vector<PageEntry> nothing;
	co_return co_await landing_page(exchange, std::move(nothing));
}

Reply get_app_page(Exchange &exchange) {
	if (auto elsewhere = redirect_to_public_url(exchange))
		co_return std::move(*elsewhere);
	const auto caller = co_await visitor(exchange);
	if (!caller)
		co_return co_await failure_page(exchange, caller.error());
	if (*caller == nullptr)
		co_return see_other("/?return_to=" + encoded(exchange.request.target));
	exchange.caller = *caller;
	AppPage page(exchange);
	co_await page.ask(get_config, "/v1/config");
	const Me me = read_me(co_await page.ask(get_me, "/v1/me"));
	if (const auto wallet = parse_id(me.wallet); wallet && path_of(exchange.request) == "/app")
		co_await page.ask(get_entries, "/v1/accounts/" + me.wallet + overview_entries, *wallet);
	co_return page.response(me.look);
}

asio::awaitable<Response> failure_page(Exchange &exchange, Problem problem) {
	Response failure = to_response(problem);
	if (exchange.worker.web == nullptr)
		co_return failure;
	std::vector<PageEntry> extra;
	std::string error;
	json::Writer out(error);
	out.begin_object();
	out.member("code", problem.code);
	out.member("detail", problem.detail);
	out.end_object();
	extra.push_back({"/auth/error", std::move(error)});
	Response response = co_await landing_page(exchange, std::move(extra));
	response.status = failure.status;
	response.code = failure.code;
	response.headers = std::move(failure.headers);
	co_return response;
}

Reply get_file(Exchange &exchange) {
	const WebFile &file = *exchange.worker.web->find(path_of(exchange.request));
	const auto &[coding, form] = file.form(exchange.request.header("Accept-Encoding").value_or(""));
	Response response{
		.content_type = file.content_type, .cache_control = file.cache_control, .is_page = true};
	response.headers.emplace_back("ETag", form.etag);
	response.headers.emplace_back("Vary", "Accept-Encoding");
	if (has_already(exchange.request, form.etag)) {
		response.status = 304;
		co_return response;
	}
	if (coding != Coding::identity)
		response.headers.emplace_back("Content-Encoding", coding == Coding::gzip ? "gzip" : "br");
	response.body = form.body;
	co_return response;
}

} // namespace tokpay
