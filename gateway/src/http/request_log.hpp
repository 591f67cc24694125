// The log's lines about requests, one each, as JSON.
#pragma once

#include "http/pending_answer.hpp"
#include "process/config.hpp"
#include "process/counter.hpp"
#include "process/log.hpp"

#include <array>

namespace tokpay {

// What a line tells. Nothing of what the client wrote is in it but what request_trace.hpp lets
// through: no path, no query string, no header, no body.
struct RequestRecord {
	std::string request_id;
	std::string trace_id; // empty: none
	std::string caller;	  // empty: not known
	const char *method;	  // null: could not be read
	const char *route;	  // as "/v1/accounts/{id}"; null: none
	unsigned status;	  // of the reply
	const char *code;	  // of the problem, or ok; incomplete: the reply was cut off
	Clock::time_point begun;
	size_t bytes = 0; // of the reply, its header included
};

// Of an answer that is there, with what its reply is called; bytes is left to who sends it.
RequestRecord record_of(
	const PendingAnswer &answer, const Response &response, std::string_view request_id);

// The line with its end. now is in microseconds since 2000-01-01 UTC.
void append_line(const RequestRecord &record, int64_t now_us, int64_t took_us, std::string *out);

// key:<id>, or owner:<hash> of an owner, whose name at some issuer may be an e-mail address: the
// first 16 digits of the SHA-256 of the issuer, a space and the subject.
std::string log_name(const Caller &caller);

// A method's name; "other" for one that HTTP does not have.
const char *known_method(std::string_view method);

// Which requests of a worker are logged, and what their replies are called. Belongs to one thread.
class RequestLog {
public:
	// Of 503, which come in floods, so many are logged in a second; left_out counts the others.
	static constexpr unsigned max_unavailable_per_s = 100;

	RequestLog(const Config &config, Counter &left_out, Log &log);

	// Whether a request is to be logged: all, slow ones, or those that failed.
	bool wants(unsigned status, Clock::duration took, Clock::time_point now) {
		return took >= log_after_ || (status >= 500 && (status != 503 || is_in_budget(now)));
	}

	// The X-Request-Id of a reply, valid until the next is asked for: the client's own, or one that
	// is made where that is not to be repeated or where this one needs an id. Empty: none.
	std::string_view id_of(const RequestTrace *trace, bool needed) {
		if (trace != nullptr && trace->request_id)
			return trace->request_id->empty() ? make_id() : *trace->request_id;
		return needed ? make_id() : std::string_view();
	}

	void write(const RequestRecord &record);

private:
	std::string_view make_id();
	bool is_in_budget(Clock::time_point now);

	const Clock::duration log_after_;
	Counter &left_out_;
	Log &log_;
	Clock::time_point window_; // the second that unavailable_ counts in
	unsigned unavailable_ = 0;
	uint64_t made_ids_ = 0;
	std::array<char, 48> id_; // 16 hex digits of this worker's, "-" and a number
	std::string line_;
};

} // namespace tokpay
