// Requests and answers as text: gaps that are overwritten in place, and members that are looked
// for.
#pragma once

#include "options.hpp"

#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>

namespace tokpay::bench {

// Appends room for so many characters and returns where it begins.
inline size_t append_gap(std::string &out, size_t width) {
	const size_t at = out.size();
	out.append(width, '0');
	return at;
}

// Fills a gap with a number of exactly so many digits.
inline void put_number(char *at, size_t width, int64_t value) {
	for (size_t i = width; i-- > 0; value /= 10)
		at[i] = static_cast<char>('0' + value % 10);
}

// The digits of every id; throws std::invalid_argument where they are not all of one length.
inline size_t id_width(const Population &population) {
	const size_t width = std::to_string(population.first_account).size();
	const int64_t last = population.first_account + population.accounts - 1;
	for (const int64_t id : {last, population.payer, population.payee})
		if (id != 0 && std::to_string(id).size() != width)
			throw std::invalid_argument("the ids of accounts are not all of one length");
	return width;
}

// Head and body of a POST; the key of the header is laid out by the caller.
inline std::string post(std::string_view path, std::string_view headers, std::string_view body) {
	std::string out("POST ");
	out.append(path).append(" HTTP/1.1\r\n").append(headers);
	out.append("Content-Type: application/json\r\nContent-Length: ");
	out.append(std::to_string(body.size())).append("\r\n\r\n").append(body);
	return out;
}

// Goes through the body of an answer from its beginning to its end.
class Scan {
public:
	explicit Scan(std::string_view body) : body_(body), rest_(body) {}

	// Moves behind the next occurrence of a text.
	void past(std::string_view text) {
		const void *found = memmem(rest_.data(), rest_.size(), text.data(), text.size());
		if (found == nullptr)
			wrong(std::string(text) + " is missing");
		rest_.remove_prefix(
			static_cast<size_t>(static_cast<const char *>(found) - rest_.data()) + text.size());
	}

	// What comes next has to be this text.
	void take(std::string_view text) {
		if (!rest_.starts_with(text))
			wrong("there is no " + std::string(text) + " where it has to be");
		rest_.remove_prefix(text.size());
	}

	// What comes next has to be an integer.
	void take_integer() {
		if (rest_.starts_with('-'))
			rest_.remove_prefix(1);
		if (rest_.empty() || rest_[0] < '0' || rest_[0] > '9')
			wrong("there is no number where it has to be");
	}

	[[noreturn]] void wrong(const std::string &what) const {
		throw std::runtime_error(what + ": " + std::string(body_.substr(0, 1000)));
	}

private:
	std::string_view body_;
	std::string_view rest_;
};

} // namespace tokpay::bench
