#include "ledger/pg_connection.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <array>
#include <utility>

namespace tokpay::pg {

namespace asio = boost::asio;
using Wait = asio::posix::stream_descriptor::wait_type;

namespace {

constexpr auto no_throw = asio::as_tuple(asio::use_awaitable);

// Errors after which the session is of no use: the server or the pooler is going away, or the
// pooler has lost its server. Whether the statement was executed is not known for all of them.
bool ends_connection(std::string_view sqlstate) {
	return sqlstate.starts_with("08") || sqlstate.starts_with("57P");
}

// What PgBouncer says to clients that wait for a server and get none.
bool is_without_server(std::string_view message) {
	return message.find("server login") != std::string_view::npos ||
		   message.find("query_wait_timeout") != std::string_view::npos;
}

// A machine that is gone without a word is given up after some five seconds, where the URI does not
// say otherwise.
constexpr std::array<const char *, 6> keywords = {"keepalives_idle", "keepalives_interval",
	"keepalives_count", "tcp_user_timeout", "dbname", nullptr};

} // namespace

Connection::Connection(asio::io_context &io, std::string uri, const char *setting)
	: uri_(std::move(uri)), socket_(io), timer_(io), setting_(setting) {}

Connection::~Connection() {
	close();
}

void Connection::close() {
	timer_.cancel();
	if (socket_.is_open())
		socket_.release(); // libpq closes it
	if (connection_ != nullptr)
		PQfinish(connection_);
	connection_ = nullptr;
}

bool Connection::alive() {
	return PQconsumeInput(connection_) == 1 && PQstatus(connection_) == CONNECTION_OK;
}

void Connection::start_timer(std::chrono::milliseconds timeout) {
	timer_.expires_after(timeout);
	// A handler that was queued for an earlier deadline finds a later one and does nothing.
	timer_.async_wait([this](boost::system::error_code error) {
		if (!error && timer_.expiry() <= std::chrono::steady_clock::now() && socket_.is_open())
			socket_.cancel();
	});
}

// libpq may use a new socket after every step of connecting.
void Connection::follow_socket() {
	const int fd = PQsocket(connection_);
	if (socket_.is_open() && socket_.native_handle() == fd)
		return;
	if (socket_.is_open())
		socket_.release();
	if (fd >= 0)
		socket_.assign(fd);
}

asio::awaitable<bool> Connection::wait(Wait type) {
	// The deadline may have passed between two waits, when there was nothing to cancel.
	if (!socket_.is_open() || timer_.expiry() <= std::chrono::steady_clock::now())
		co_return false;
	const auto [error] = co_await socket_.async_wait(type, no_throw);
	co_return !error;
}

asio::awaitable<bool> Connection::connect(std::chrono::milliseconds timeout) {
	close();
	const std::array<const char *, keywords.size()> values = {
		"2", "1", "3", "5000", uri_.c_str(), nullptr};
	connection_ = PQconnectStartParams(keywords.data(), values.data(), 1);
	if (connection_ == nullptr) {
		last_error_ = "out of memory";
		co_return false;
	}
	start_timer(timeout);
	const bool done = co_await finish_connecting();
	timer_.cancel();
	if (!done) {
		const char *user = PQuser(connection_); // which the pooler's errors do not name
		const std::string_view error = PQerrorMessage(connection_);
		last_error_ = std::string("setting ") + setting_ + ", user " + (user ? user : "") + ": ";
		last_error_ += error.empty() ? "no answer in time" : error;
		close();
		co_return false;
	}
	PQsetnonblocking(connection_, 1);
	co_return true;
}

asio::awaitable<bool> Connection::finish_connecting() {
	if (PQstatus(connection_) == CONNECTION_BAD)
		co_return false;
	for (auto step = PGRES_POLLING_WRITING;;) {
		follow_socket();
		switch (step) {
		case PGRES_POLLING_READING:
			if (!co_await wait(Wait::wait_read))
				co_return false;
			break;
		case PGRES_POLLING_WRITING:
			if (!co_await wait(Wait::wait_write))
				co_return false;
			break;
		default:
			co_return step == PGRES_POLLING_OK;
		}
		step = PQconnectPoll(connection_);
	}
}

bool Connection::send_statement(const char *sql, const std::vector<Parameter> &parameters) {
	std::vector<Oid> types;
	std::vector<const char *> values;
	std::vector<int> lengths;
	std::vector<int> formats(parameters.size(), 1);
	for (const Parameter &parameter : parameters) {
		types.push_back(parameter.type);
		values.push_back(parameter.value ? parameter.value->data() : nullptr);
		lengths.push_back(parameter.value ? static_cast<int>(parameter.value->size()) : 0);
	}
	return PQsendQueryParams(connection_, sql, static_cast<int>(parameters.size()), types.data(),
			   values.data(), lengths.data(), formats.data(), 1) == 1;
}

// A pipeline is one transaction.
void Connection::send(const Query &query, std::chrono::milliseconds timeout) {
	static const std::vector<Parameter> none;
	sent_ = connection_ != nullptr;
	asks_epoch_ = query.asks_epoch;
	if (sent_ && asks_epoch_)
		sent_ =
			PQenterPipelineMode(connection_) == 1 && send_statement("select tokpay.epoch()", none);
	sent_ = sent_ && send_statement(query.sql, query.parameters);
	if (sent_ && asks_epoch_)
		sent_ = PQpipelineSync(connection_) == 1;
	if (sent_)
		start_timer(timeout);
}

asio::awaitable<Answer> Connection::query(const Query &query, std::chrono::milliseconds timeout) {
	send(query, timeout);
	co_return co_await receive();
}

void Connection::give_up() {
	timer_.expires_at(std::chrono::steady_clock::time_point::min());
	if (socket_.is_open())
		socket_.cancel();
}

asio::awaitable<Answer> Connection::receive() {
	Answer answer;
	if (std::exchange(sent_, false)) {
		last_error_.clear();
		answer = co_await receive_answer();
		timer_.cancel();
	}
	if (answer.kind == Answer::Kind::lost || answer.kind == Answer::Kind::unsent) {
		if (last_error_.empty() && connection_ != nullptr)
			last_error_ = PQerrorMessage(connection_);
		if (last_error_.empty())
			last_error_ = "no answer in time";
		close();
	}
	co_return answer;
}

void Connection::read_error(const PGresult *error, Answer *answer) {
	const auto field = [error](int code) {
		const char *text = PQresultErrorField(error, code);
		return std::string(text != nullptr ? text : "");
	};
	answer->sqlstate = field(PG_DIAG_SQLSTATE);
	answer->message = field(PG_DIAG_MESSAGE_DETAIL);
	last_error_ = PQresultErrorMessage(error);
	answer->kind = Answer::Kind::refused;
	if (answer->sqlstate.empty() || ends_connection(answer->sqlstate))
		answer->kind = is_without_server(field(PG_DIAG_MESSAGE_PRIMARY)) ? Answer::Kind::unsent
																		 : Answer::Kind::lost;
}

asio::awaitable<Answer> Connection::receive_answer() {
	Answer answer;
	for (;;) {
		const int unsent = PQflush(connection_);
		if (unsent < 0)
			co_return Answer{};
		if (unsent == 0)
			break;
		// The server may have to be read before it takes more.
		if (!co_await wait(Wait::wait_write) || PQconsumeInput(connection_) == 0)
			co_return Answer{};
	}
	constexpr int most_ends = 3; // of the two statements, and of an error when they are committed
	int ends = 0;
	for (;;) {
		while (PQisBusy(connection_) != 0)
			if (!co_await wait(Wait::wait_read) || PQconsumeInput(connection_) == 0)
				co_return Answer{};
		PGresult *raw = PQgetResult(connection_);
		if (raw == nullptr) {
			if (!asks_epoch_)
				co_return answer;
			if (++ends > most_ends)
				co_return Answer{};
			continue;
		}
		Result result(raw);
		switch (PQresultStatus(raw)) {
		case PGRES_TUPLES_OK:
		case PGRES_COMMAND_OK:
			answer.kind = Answer::Kind::ok;
			if (asks_epoch_ && ends == 0)
				answer.epoch = parse_epoch(result.text(0, 0));
			else
				answer.result = result;
			break;
		case PGRES_PIPELINE_ABORTED: // by the error that came before
			break;
		case PGRES_PIPELINE_SYNC:
			if (PQexitPipelineMode(connection_) != 1)
				co_return Answer{};
			co_return answer;
		default:
			read_error(raw, &answer);
			if (answer.kind != Answer::Kind::refused)
				co_return answer;
		}
	}
}

} // namespace tokpay::pg
