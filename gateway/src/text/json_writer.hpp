// Writes JSON text, member by member.
#pragma once

#include "text/json_reader.hpp"

#include <charconv>
#include <cstring>
#include <iterator>
#include <optional>

namespace tokpay::json {

// An id of the ledger: a string of digits on the wire.
struct Id {
	int64_t value;
};

// A time in microseconds since 2000-01-01 UTC: RFC 3339 on the wire.
struct Time {
	int64_t microseconds;
};

// Text that is JSON already.
struct Raw {
	std::string_view text;
};

// Of the years 0 to 9999, which RFC 3339 has.
void append_time(int64_t microseconds, std::string *out);

class Writer {
public:
	explicit Writer(std::string &out) : out_(out) {}

	void begin_object() { open('{'); }
	void end_object() { close('}'); }
	void begin_array() { open('['); }
	void end_array() { close(']'); }

	void name(std::string_view name) {
		// One append instead of four.
		const size_t at = out_.size();
		out_.append(name.size() + (first_ ? 3 : 4), '"');
		char *to = out_.data() + at;
		if (!first_)
			*to++ = ',';
		std::memcpy(to + 1, name.data(), name.size());
		to[name.size() + 2] = ':';
		first_ = true;
	}

	void value(int64_t value) {
		char text[max_number_bytes];
		char *const begin = put_comma(text);
		append(text, std::to_chars(begin, std::end(text), value).ptr);
	}
	void value(Id id) {
		char text[max_number_bytes];
		char *to = put_comma(text);
		*to++ = '"';
		to = std::to_chars(to, std::end(text), id.value).ptr;
		*to++ = '"';
		append(text, to);
	}
	void value(Time time) {
		separate();
		out_.push_back('"');
		append_time(time.microseconds, &out_);
		out_.push_back('"');
	}
	void value(Raw raw) {
		separate();
		out_.append(raw.text);
	}
	void value(bool value) { this->value(Raw{value ? "true" : "false"}); }
	void value(std::nullopt_t) { value(Raw{"null"}); }
	void value(std::string_view text) {
		separate();
		append_string(text, &out_);
	}
	void value(const char *text) { value(std::string_view(text)); }
	void value(const std::string &text) { value(std::string_view(text)); }
	template<class T> void value(const std::optional<T> &optional) {
		if (optional)
			value(*optional);
		else
			value(std::nullopt);
	}

	template<class T> void member(std::string_view name, const T &value) {
		this->name(name);
		this->value(value);
	}

private:
	static constexpr size_t max_number_bytes = 24; // with a sign, a comma and quotation marks

	// What is made of several pieces is put together first: one append is cheaper than four.
	char *put_comma(char *to) const {
		if (!first_)
			*to++ = ',';
		return to;
	}
	void append(const char *begin, const char *end) {
		out_.append(begin, end);
		first_ = false;
	}
	void separate() {
		if (!first_)
			out_.push_back(',');
		first_ = false;
	}
	void open(char bracket) {
		separate();
		out_.push_back(bracket);
		first_ = true;
	}
	void close(char bracket) {
		out_.push_back(bracket);
		first_ = false;
	}

	std::string &out_;
	bool first_ = true; // no comma before what comes next
};

} // namespace tokpay::json
