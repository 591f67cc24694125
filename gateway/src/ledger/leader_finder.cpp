#include "ledger/leader_finder.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace tokpay {

namespace asio = boost::asio;

namespace {

using Moments = Leader::TimePoint::clock;

constexpr auto no_throw = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::milliseconds connect_timeout{2000};
// Who says nothing for so long leads no more, until it says something.
constexpr std::chrono::milliseconds answer_timeout{2000};
constexpr std::chrono::milliseconds calm_interval{1000};
// While nobody leads; and nobody is asked more often.
constexpr std::chrono::milliseconds search_interval{50};
// A handshake costs the poolers more than a question, when a server that is down costs them enough.
constexpr std::chrono::milliseconds connect_interval{500};

} // namespace

LeaderFinder::LeaderFinder(asio::io_context &io, Leadership &leadership, const Config &config)
	: io_(io), leader_(io, leadership), leadership_(leadership), patroni_(config.patroni.members),
	  tls_(client_tls(config.patroni.files, "patroni")) {
	for (size_t i = 0; i < config.databases.size(); i++)
		members_.emplace_back(io, config.databases[i], i);
	leader_.subscribe([this] {
		for (Member &member : members_)
			member.pause.cancel();
	});
}

void LeaderFinder::start() {
	for (Member &member : members_) {
		asio::co_spawn(io_, watch(member), asio::detached);
		if (!patroni_.empty())
			asio::co_spawn(io_, follow_patroni(member, patroni_[member.index]), asio::detached);
	}
}

asio::awaitable<void> LeaderFinder::watch(Member &member) {
	for (;;) {
		const auto asked = Moments::now();
		co_await ask(member);
		if (members_.size() > 1 && leadership_.state().leading == member.index)
			co_await ask_for_lag(member);
		co_await wait(member, asked);
	}
}

asio::awaitable<void> LeaderFinder::ask(Member &member) {
	pg::Connection &connection = member.connection;
	if (!connection.connected()) {
		const bool is_connected = co_await connection.connect(connect_timeout);
		if (!is_connected) {
			leadership_.doubted(member.index, connection.last_error());
			co_return;
		}
	}
	const pg::Query query{"select tokpay.epoch(), current_setting('transaction_read_only')", {}};
	const pg::Answer answer = co_await connection.query(query, answer_timeout);
	if (answer.kind == pg::Answer::Kind::refused)
		leadership_.denied(member.index, connection.last_error());
	else if (answer.kind != pg::Answer::Kind::ok)
		leadership_.doubted(member.index, connection.last_error());
	else if (answer.result.text(0, 1) == "on")
		leadership_.doubted(member.index, "its transactions are read-only");
	else if (const auto epoch = parse_epoch(answer.result.text(0, 0)))
		leadership_.answered(member.index, *epoch);
}

asio::awaitable<void> LeaderFinder::ask_for_lag(Member &member) {
	const pg::Query query{"select (local - replicated)::bigint from tokpay.cluster_status()"
						  " where role = 'leader'",
		{}};
	const pg::Answer answer = co_await member.connection.query(query, answer_timeout);
	std::optional<int64_t> lag;
	if (answer.kind == pg::Answer::Kind::ok && answer.result.rows() > 0)
		lag = answer.result.optional_int8(0, 0);
	leadership_.note_lag(lag);
}

asio::awaitable<void> LeaderFinder::wait(Member &member, Leader::TimePoint asked) {
	for (;;) {
		const bool is_calm = leader_.leading() && !member.is_wanted;
		const auto search = member.connection.connected() ? search_interval : connect_interval;
		const auto until = asked + (is_calm ? calm_interval : search);
		if (Moments::now() >= until)
			break;
		member.pause.expires_at(until);
		co_await member.pause.async_wait(no_throw);
	}
	member.is_wanted = false;
}

// Only a hint: whoever is asked has to prove it.
asio::awaitable<void> LeaderFinder::follow_patroni(Member &member, WebAddress address) {
	asio::steady_timer pause(io_);
	for (;;) {
		std::string why;
		const auto primary = co_await fetch(address, tls_, &why);
		if (primary.has_value() != leader_.leads(member.index)) {
			member.is_wanted = true;
			member.pause.cancel();
		}
		pause.expires_after(calm_interval);
		co_await pause.async_wait(no_throw);
	}
}

} // namespace tokpay
