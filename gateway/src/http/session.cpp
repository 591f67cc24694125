#include "http/session.hpp"

#include "api/handled_answer.hpp"
#include "api/router.hpp"
#include "http/listener.hpp"
#include "http/response_text.hpp"

#include <sys/epoll.h>

#include <utility>

namespace tokpay {

namespace asio = boost::asio;

namespace {

// Requests of one connection that are under way at once.
constexpr size_t max_answers = 64;
// Of them with handlers, whose answers may be large and wait for the client to read those before.
constexpr size_t max_handled_answers_each = 4;
// While so many requests of all connections are with handlers, each connection has one at a time.
constexpr size_t max_handled_answers = 1000;
// A client that was refused before it had sent everything is read on so far and so long, or it
// would find its connection reset instead of the answer.
constexpr size_t max_discarded_bytes = size_t{32} * 1024 * 1024;
constexpr std::chrono::seconds discard_timeout{5};
// What the log calls a body that was cut off.
constexpr const char *incomplete = "incomplete";

bool is_safe(std::string_view method) {
	return method == "GET" || method == "HEAD" || method == "OPTIONS";
}

// What a body of this size takes from the memory of all.
size_t counted(size_t body_size) {
	return body_size > max_uncounted_body ? body_size : 0;
}

// The answer to what could not be read.
class Refusal final : public PendingAnswer {
public:
	explicit Refusal(const Problem &problem) : response_(to_response(problem)) { finish(); }
	const Response &response() override { return response_; }

private:
	Response response_;
};

} // namespace

Session::Session(Listener &listener, Worker &worker, Connection connection)
	: listener_(listener), worker_(worker), socket_(std::move(connection.socket)),
	  peer_(std::move(connection.peer)) {
	worker_.metrics.connections.add();
}

void Session::start() {
	watch_time();
	if (!worker_.poller.add(socket_.handle(), *this))
		close();
}

// Reading

void Session::socket_is_ready(uint32_t events) {
	const SessionPtr self(this);
	socket_.note(events);
	if (!out_.empty() && socket_.writable())
		flush();
	else
		read();
}

bool Session::wants_to_read() const {
	if (ended_)
		return false;
	if (arrival_ != nullptr)
		return arrival_->admitted;
	if (worker_.stopping && !lingering_) // only the rest of a request that has begun
		return !last_ && answers_.empty() && !in_.empty();
	return lingering_ || may_start();
}

// Once for each turn of the event loop, so that others come to theirs.
void Session::read() {
	if (closed_ || !socket_.readable() || !wants_to_read())
		return;
	ends_with_next_ = worker_.stopping;
	receive();
}

void Session::receive() {
	boost::system::error_code error;
	const size_t size = socket_.read_some(worker_.scratch, error);
	if (error == asio::error::would_block)
		return;
	if (error && error != asio::error::eof)
		return close();
	const std::string_view bytes(worker_.scratch.data(), size);
	ended_ = error == asio::error::eof;
	if (lingering_) {
		discarded_ += size;
		if (ended_ || discarded_ > max_discarded_bytes)
			return close();
	} else if (in_.empty()) {
		consume(bytes);
	} else {
		in_.append(bytes);
		consume(in_);
	}
	if (ended_ || (socket_.readable() && wants_to_read()))
		listener_.flush_later(*this);
}

bool Session::may_start() const {
	return !last_ && !in_order_ && answers_.size() < max_answers &&
		   handled_ < max_handled_answers_each && !out_.full() &&
		   (answers_.empty() || worker_.handled_answers < max_handled_answers);
}

// Uses what it can of the bytes and keeps the rest, be they in_ itself.
void Session::consume(std::string_view bytes) {
	size_t used = 0;
	while (used < bytes.size() && !closed_) {
		const std::string_view rest = bytes.substr(used);
		size_t more = 0;
		if (arrival_ != nullptr)
			more = read_body(rest);
		else if (may_start())
			more = start_request(rest);
		if (more == 0)
			break;
		used += more;
	}
	if (last_)
		used = bytes.size();
	if (arrival_ != nullptr && !arrival_->admitted)
		admit_arrival();
	if (bytes.data() == in_.data())
		in_.erase(0, used);
	else
		in_.assign(bytes.substr(used));
	if (in_.empty())
		release(in_);
	watch_time();
}

// Starts on a request; how many bytes it was, 0 where it has to wait.
size_t Session::start_request(std::string_view bytes) {
	// Before a request it says nothing (RFC 9112, section 2.2).
	constexpr std::string_view empty_line = "\r\n";
	if (bytes.starts_with(empty_line))
		return empty_line.size();
	if (empty_line.starts_with(bytes))
		return 0;
	HttpRequest &request = worker_.request;
	request.peer = peer_;
	RequestParser parser(request);
	const size_t header_size = parser.read_header(bytes);
	if (parser.problem()) {
		refuse(*parser.problem());
		return bytes.size();
	}
	if (header_size == 0)
		return 0;
	const bool safe = is_safe(request.method);
	const auto body_size = parser.body_size();
	const bool is_whole = body_size && header_size + *body_size <= bytes.size();
	if (!(safe && is_whole) && !answers_.empty()) {
		in_order_ = true; // "100 Continue" may not come into an earlier answer
		return 0;
	}
	in_order_ = !safe;
	if (!is_whole) {
		arrival_ = std::make_unique<Arrival>(bytes.substr(0, header_size), worker_.bodies);
		arrival_->request.peer = peer_;
		return header_size;
	}
	request.body = bytes.substr(header_size, *body_size);
	start_answer(request, bytes.substr(0, header_size + *body_size), {},
		MemoryBudget::Share(worker_.bodies));
	return header_size + *body_size;
}

// The request's texts are in bytes, or its body is in body, with the memory that is set aside.
void Session::start_answer(const HttpRequest &request, std::string_view bytes, std::string body,
	MemoryBudget::Share share) {
	const auto now = Clock::now();
	auto answer = start_direct(worker_, request, now);
	if (answer == nullptr) {
		auto handled = std::make_unique<HandledAnswer>(
			worker_, request, bytes, std::move(body), std::move(share));
		handled->method = known_method(request.method);
		handled->start();
		answer = std::move(handled);
		answer->is_handled = true;
		handled_++;
	}
	answer->listener = this;
	answer->begun = now;
	answer->trace = read_trace(request);
	answer->keep_alive = request.keep_alive;
	answer->takes_chunks = request.takes_chunks;
	answer->with_body = request.method != "HEAD";
	last_ = !request.keep_alive || ends_with_next_;
	answers_.push(std::move(answer));
	answer_is_ready(); // where it did not have to wait
}

// No more of a body is read before it is known that the client is allowed to send it.
void Session::admit_arrival() {
	if (arrival_->is_checked)
		return;
	arrival_->is_checked = true;
	asio::co_spawn(worker_.io, find_refusal(worker_, arrival_->request),
		[self = SessionPtr(this)](
			const std::exception_ptr &failure, std::optional<Problem> refusal) {
			if (failure)
				refusal = internal_error();
			if (!self->closed_)
				self->continue_arrival(refusal);
		});
}

// A body takes memory as it comes, so that a promise of one keeps nobody out; one that would not
// fit now need not be sent.
void Session::continue_arrival(std::optional<Problem> refusal) {
	const size_t size = arrival_->parser.body_size().value_or(0);
	if (!refusal && !arrival_->share.can_grow_to(counted(size)))
		refusal = overloaded();
	if (refusal) {
		refuse(*refusal, &arrival_->request);
		arrival_.reset();
	} else {
		arrival_->admitted = true;
		if (arrival_->parser.expects_continue())
			out_.text().append(continue_response);
	}
	listener_.flush_later(*this);
}

size_t Session::read_body(std::string_view bytes) {
	const size_t used = arrival_->parser.read_body(bytes, arrival_->body);
	std::optional<Problem> problem = arrival_->parser.problem();
	if (!problem && !arrival_->share.grow_to(counted(arrival_->body.size())))
		problem = overloaded();
	if (problem) {
		refuse(*problem, &arrival_->request);
		arrival_.reset();
		return bytes.size();
	}
	if (arrival_->parser.is_done()) {
		const auto whole = std::exchange(arrival_, nullptr);
		whole->request.body = whole->body;
		start_answer(
			whole->request, whole->header, std::move(whole->body), std::move(whole->share));
	}
	return used;
}

// Answers what could not be read, or its header alone, and closes.
void Session::refuse(const Problem &problem, const HttpRequest *request) {
	auto answer = std::make_unique<Refusal>(problem);
	if (request != nullptr) {
		answer->method = known_method(request->method);
		answer->trace = read_trace(*request);
	}
	answer->begun = Clock::now();
	answer->route = no_route();
	answer->keep_alive = false;
	answer->with_body = request == nullptr || request->method != "HEAD";
	answers_.push(std::move(answer));
	last_ = refused_ = true;
	answer_is_ready();
}

void Session::turn_away() {
	if (closed_)
		return;
	Problem problem = overloaded();
	problem.detail = "There are too many connections; the request was not executed, try again.";
	refuse(problem);
}

// Answering

void Session::answer_is_ready() {
	if (!answers_.empty() && answers_.front().ready() && !stream_)
		listener_.flush_later(*this);
}

// Whether nothing that the client has sent is left for the time after it.
bool Session::is_last_answer() const {
	return answers_.size() == 1 && arrival_ == nullptr && in_.empty();
}

// For metrics and log; what the reply is called, empty for nothing.
std::string_view Session::take_note(
	const PendingAnswer &answer, const Response &response, Clock::time_point now) {
	const auto took = now - answer.begun;
	worker_.metrics.durations[answer.route][status_index(response.status)].observe(took);
	RequestLog &log = worker_.request_log;
	const bool is_logged = log.wants(response.status, took, now);
	const auto id = log.id_of(answer.trace.get(), is_logged || response.status >= 400);
	if (is_logged)
		record_ = std::make_unique<RequestRecord>(record_of(answer, response, id));
	return id;
}

void Session::write_ready_answers() {
	std::optional<Clock::time_point> now; // the same for all that are ready
	while (!answers_.empty() && answers_.front().ready() && !stream_ && !out_.full()) {
		PendingAnswer &answer = answers_.front();
		const Response &response = answer.response();
		const bool may_go_on = answer.keep_alive && !(worker_.stopping && is_last_answer());
		const bool keep_alive = may_go_on && (answer.takes_chunks || !response.stream);
		last_ = last_ || !keep_alive;
		if (!now)
			now = Clock::now();
		const std::string_view id = take_note(answer, response, *now);
		const size_t written = out_.size();
		append_response(out_.text(), response,
			response.is_page ? worker_.page_headers : worker_.security_headers, id,
			{.keep_alive = keep_alive,
				.takes_chunks = answer.takes_chunks,
				.with_body = answer.with_body});
		count_bytes(out_.size() - written);
		if (response.stream && answer.with_body) {
			chunked_ = answer.takes_chunks;
			stream_ = std::make_shared<StreamWriter>(worker_.io, *this);
			return stream_->start(response.stream);
		}
		end_answer();
	}
}

void Session::count_bytes(size_t written) {
	if (record_ != nullptr)
		record_->bytes += written;
}

// The first answer is written, all of it that there will be.
void Session::end_answer() {
	if (record_ != nullptr)
		worker_.request_log.write(*std::exchange(record_, nullptr));
	if (answers_.pop()->is_handled)
		handled_--;
	in_order_ = false;
}

bool Session::put_piece(std::string_view piece) {
	if (piece.empty()) // an empty chunk would end the body
		return true;
	const size_t written = out_.size();
	if (chunked_)
		append_chunk(out_.text(), piece);
	else
		out_.text().append(piece);
	count_bytes(out_.size() - written);
	listener_.flush_later(*this);
	return !out_.full();
}

void Session::stream_ended(bool complete) {
	if (complete && chunked_) {
		out_.text().append(last_chunk);
		count_bytes(last_chunk.size());
	}
	if (!complete && record_ != nullptr)
		record_->code = incomplete;
	stream_.reset();
	end_answer();
	// The end of the connection is the body's, or shows that it is missing.
	if (!complete || !chunked_) {
		last_ = true;
		while (!answers_.empty())
			answers_.pop();
	}
	listener_.flush_later(*this);
}

void Session::flush() {
	if (closed_)
		return;
	write_ready_answers();
	send();
	if (closed_)
		return;
	if (out_.empty())
		answer_is_ready(); // more were than there was room for, and no event will come for them
	const bool is_held = arrival_ != nullptr && !arrival_->admitted;
	if (!in_.empty() && !is_held && !lingering_)
		consume(in_);
	watch_time();
	const bool is_idle = in_.empty() && arrival_ == nullptr;
	const bool is_over = last_ || ended_ || (worker_.stopping && is_idle);
	if (answers_.empty() && out_.empty() && !is_held && !lingering_ && is_over)
		return say_goodbye();
	if (!listener_.move(*this))
		read();
}

bool Session::is_between_requests() const {
	return !closed_ && answers_.empty() && out_.empty() && in_.empty() && arrival_ == nullptr &&
		   !last_ && !ended_ && !lingering_;
}

Session::Connection Session::detach() {
	closed_ = true;
	worker_.metrics.connections.subtract();
	worker_.metrics.moved_connections.add();
	worker_.poller.remove(socket_.handle());
	return {std::move(socket_), peer_};
}

void Session::send() {
	boost::system::error_code error;
	while (!out_.empty() && socket_.writable()) {
		out_.note_sent(socket_.write_some(out_.unsent(), error));
		if (error == asio::error::would_block)
			deadline_ = Clock::now() + worker_.config.write_timeout;
		else if (error)
			return close();
	}
	worker_.unread_bytes += out_.size() - std::exchange(counted_, out_.size());
	if (stream_ && out_.empty())
		stream_->proceed();
}

// Ends the connection after its last answer.
void Session::say_goodbye() {
	socket_.shutdown_send();
	const bool may_still_send = refused_ || (worker_.stopping && last_);
	if (!may_still_send || ended_)
		return close();
	lingering_ = true;
	watch_time();
	read();
}

void Session::close() {
	closed_ = true;
	worker_.metrics.connections.subtract();
	worker_.unread_bytes -= std::exchange(counted_, 0);
	socket_.close();
	if (stream_) {
		stream_->abandon();
		if (record_ != nullptr)
			record_->code = incomplete;
		end_answer();
	}
	while (!answers_.empty())
		answers_.pop();
	listener_.forget(*this);
}

void Session::take_in() {
	if (closed_ || arrival_ != nullptr || last_ || ended_)
		return;
	socket_.note(EPOLLIN); // the poller may not have come to it yet
	receive();
}

// Time

Session::Waits Session::waits() const {
	if (lingering_)
		return Waits::for_goodbye;
	if (!out_.empty() && !socket_.writable())
		return Waits::for_reading;
	if (arrival_ != nullptr)
		return arrival_->admitted ? Waits::for_body : Waits::nothing;
	return answers_.empty() ? Waits::for_header : Waits::nothing;
}

// Starts the clock where the client is waited for anew.
void Session::watch_time() {
	const Waits now = waits();
	if (now == waits_)
		return;
	waits_ = now;
	switch (now) {
	case Waits::nothing:
		deadline_ = Clock::time_point::max();
		break;
	case Waits::for_header:
		deadline_ = Clock::now() + worker_.config.header_timeout;
		break;
	case Waits::for_body:
		deadline_ = Clock::now() + worker_.config.body_timeout;
		break;
	case Waits::for_reading:
		deadline_ = Clock::now() + worker_.config.write_timeout;
		break;
	case Waits::for_goodbye:
		deadline_ = Clock::now() + discard_timeout;
		break;
	}
}

void Session::time_is_up() {
	const bool has_begun = arrival_ != nullptr || !in_.empty();
	if (waits_ == Waits::for_body || (waits_ == Waits::for_header && has_begun)) {
		const auto arrival = std::move(arrival_);
		in_.clear();
		return refuse(request_timeout(), arrival == nullptr ? nullptr : &arrival->request);
	}
	close();
}

} // namespace tokpay
