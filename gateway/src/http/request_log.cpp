#include "http/request_log.hpp"

#include "access/digest.hpp"
#include "api/router.hpp"
#include "text/json_writer.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <random>

namespace tokpay {

namespace {

constexpr size_t id_prefix_digits = 16;
constexpr size_t owner_hash_bytes = 8;
constexpr std::string_view hex_digits = "0123456789abcdef";

Clock::duration log_after(const Config &config) {
	if (config.log_requests)
		return Clock::duration::zero();
	return config.slow_request.count() == 0 ? Clock::duration::max() : config.slow_request;
}

int64_t now_us() {
	namespace chrono = std::chrono;
	constexpr chrono::sys_days epoch = chrono::year{2000} / chrono::January / 1;
	return chrono::duration_cast<chrono::microseconds>(chrono::system_clock::now() - epoch).count();
}

int64_t microseconds(Clock::duration took) {
	return std::chrono::duration_cast<std::chrono::microseconds>(took).count();
}

std::optional<std::string_view> or_null(std::string_view text) {
	return text.empty() ? std::nullopt : std::optional(text);
}

std::optional<std::string_view> or_null(const char *text) {
	return text == nullptr ? std::nullopt : std::optional<std::string_view>(text);
}

} // namespace

RequestRecord record_of(
	const PendingAnswer &answer, const Response &response, std::string_view request_id) {
	const Route *route = answer.route == no_route() ? nullptr : &routes[answer.route];
	return {
		.request_id = std::string(request_id),
		.trace_id = answer.trace == nullptr ? "" : answer.trace->trace_id,
		.caller = answer.caller == nullptr ? "" : log_name(*answer.caller),
		.method = route == nullptr ? answer.method : route->method,
		.route = route == nullptr ? nullptr : route->path,
		.status = response.status,
		.code = response.code,
		.begun = answer.begun,
	};
}

void append_line(const RequestRecord &record, int64_t now_us, int64_t took_us, std::string *out) {
	json::Writer line(*out);
	line.begin_object();
	line.member("time", json::Time{now_us});
	line.member("request_id", record.request_id);
	line.member("trace_id", or_null(record.trace_id));
	line.member("caller", or_null(record.caller));
	line.member("method", or_null(record.method));
	line.member("route", or_null(record.route));
	line.member("status", static_cast<int64_t>(record.status));
	line.member("code", record.code);
	line.member("microseconds", took_us);
	line.member("bytes", static_cast<int64_t>(record.bytes));
	line.end_object();
	out->push_back('\n');
}

std::string log_name(const Caller &caller) {
	constexpr std::string_view owner = "owner:";
	if (!caller.identity.starts_with(owner))
		return caller.identity;
	std::string name(owner);
	const Digest digest = sha256(std::string_view(caller.identity).substr(owner.size()));
	for (size_t i = 0; i < owner_hash_bytes; i++) {
		name.push_back(hex_digits[digest[i] >> 4]);
		name.push_back(hex_digits[digest[i] & 15]);
	}
	return name;
}

const char *known_method(std::string_view method) {
	for (const char *known : {"GET", "POST", "PATCH", "PUT", "DELETE", "HEAD", "OPTIONS"})
		if (method == known)
			return known;
	return "other";
}

RequestLog::RequestLog(const Config &config, Counter &left_out, Log &log)
	: log_after_(log_after(config)), left_out_(left_out), log_(log) {
	std::random_device random;
	for (size_t i = 0; i < id_prefix_digits; i++)
		id_[i] = hex_digits[random() % hex_digits.size()];
	id_[id_prefix_digits] = '-';
}

std::string_view RequestLog::make_id() {
	char *const number = id_.data() + id_prefix_digits + 1;
	const char *const end = std::to_chars(number, id_.data() + id_.size(), ++made_ids_).ptr;
	return {id_.data(), static_cast<size_t>(end - id_.data())};
}

bool RequestLog::is_in_budget(Clock::time_point now) {
	if (now - window_ >= std::chrono::seconds(1)) {
		window_ = now;
		unavailable_ = 0;
	}
	if (unavailable_ < max_unavailable_per_s) {
		unavailable_++;
		return true;
	}
	left_out_.add();
	return false;
}

void RequestLog::write(const RequestRecord &record) {
	line_.clear();
	append_line(record, now_us(), microseconds(Clock::now() - record.begun), &line_);
	log_.add(line_);
}

} // namespace tokpay
