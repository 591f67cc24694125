// A connection of the API: reads requests, refuses what is not HTTP, answers in order.
#pragma once

#include "http/body_stream.hpp"
#include "http/client_socket.hpp"
#include "http/out_buffer.hpp"
#include "http/pending_answer.hpp"
#include "http/request_parser.hpp"
#include "process/worker.hpp"

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>

namespace tokpay {

class Listener;

// Nothing here waits in a coroutine: the socket says when it can be read or written, answers say
// when they are there, and the listener's clock says when time is up. Requests that arrived
// together are under way together as far as they are safe, since a client may rely on the order of
// effects (RFC 9112, section 9.3.2); their answers go out together, in order.
class Session final : public boost::intrusive_ref_counter<Session, boost::thread_unsafe_counter>,
					  public Poller::Client,
					  public AnswerListener,
					  public StreamConnection {
public:
	// A connection that no worker serves.
	struct Connection {
		ClientSocket socket; // does not block
		boost::asio::ip::address peer;
	};

	Session(Listener &listener, Worker &worker, Connection connection);

	void start();

	// Whether the client takes too long, and what becomes of it then.
	bool is_late(Clock::time_point now) const { return now >= deadline_; }
	void time_is_up();

	// Answers that there are too many connections, and closes.
	void turn_away();

	// The gateway is about to stop: takes in what the client has sent so far. From then on flush()
	// closes where nothing is left to be answered.
	void take_in();

	// Sends what is there and goes on with what waited for it. The listener calls it once for all
	// that happened in a turn of the event loop.
	void flush();

	void close();

	// Whether nothing has come that is not answered, and more may come.
	bool is_between_requests() const;

	// Then another worker may go on with the connection; the session is over.
	Connection detach();

private:
	// A request whose header is here and whose body is on its way.
	struct Arrival {
		Arrival(std::string_view bytes, MemoryBudget &bodies)
			: header(bytes), share(bodies), parser(request) {
			parser.read_header(header);
		}
		std::string header;
		std::string body;
		MemoryBudget::Share share; // for the body
		HttpRequest request;
		RequestParser parser;
		bool is_checked = false;
		bool admitted = false; // until then nothing more is read
	};

	void socket_is_ready(uint32_t events) override;
	bool wants_to_read() const;
	void read();
	void receive();
	void consume(std::string_view bytes);
	bool may_start() const;
	size_t start_request(std::string_view bytes);
	void start_answer(const HttpRequest &request, std::string_view bytes, std::string body,
		MemoryBudget::Share share);
	void admit_arrival();
	void continue_arrival(std::optional<Problem> refusal);
	size_t read_body(std::string_view bytes);
	void refuse(const Problem &problem, const HttpRequest *request = nullptr);

	void answer_is_ready() override;
	bool is_last_answer() const;
	std::string_view take_note(
		const PendingAnswer &answer, const Response &response, Clock::time_point now);
	void write_ready_answers();
	void count_bytes(size_t written);
	void end_answer();

	// For the stream that makes a body.
	bool put_piece(std::string_view piece) override;
	void stream_ended(bool complete) override;

	void send();
	void say_goodbye();
	void watch_time();

	// What the client is waited for, each with its own patience.
	enum class Waits { nothing, for_header, for_body, for_reading, for_goodbye };
	Waits waits() const;

	Listener &listener_;
	Worker &worker_;
	ClientSocket socket_;
	boost::asio::ip::address peer_;
	std::string in_; // read and not used yet
	OutBuffer out_;
	size_t counted_ = 0; // of out_, among the worker's unread bytes
	AnswerQueue answers_;
	size_t handled_ = 0; // of answers_
	std::unique_ptr<Arrival> arrival_;
	std::shared_ptr<StreamWriter> stream_;	// makes the body of the first answer
	std::unique_ptr<RequestRecord> record_; // of the first answer, while it is written and logged
	Waits waits_ = Waits::nothing;
	Clock::time_point deadline_ = Clock::time_point::max();
	size_t discarded_ = 0;

	bool closed_ = false;
	bool ended_ = false;		  // the client sends no more
	bool in_order_ = false;		  // the next request waits for the answers before it
	bool ends_with_next_ = false; // no request is taken after the next one
	bool last_ = false;			  // no request is taken any more
	bool refused_ = false;		  // the client may still be sending what nobody reads
	bool lingering_ = false;	  // all is said; what the client still sends is thrown away
	bool chunked_ = false;		  // the coding of the stream
	bool flush_is_due_ = false;
	bool turned_away_ = false;	 // and not among the connections that count
	unsigned active_period_ = 0; // the listener's, when it was between requests last
	friend class Listener;
};

using SessionPtr = boost::intrusive_ptr<Session>;

} // namespace tokpay
