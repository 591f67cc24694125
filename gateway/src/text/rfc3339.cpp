#include "text/rfc3339.hpp"

#include <chrono>

namespace tokpay {

namespace {

// Takes texts apart from the left; valid turns false where one is not as expected.
class Cursor {
public:
	explicit Cursor(std::string_view text) : text_(text) {}

	int number(size_t digits) {
		int value = 0;
		for (size_t i = 0; i < digits; i++) {
			const char c = next();
			if (c < '0' || c > '9')
				valid = false;
			value = value * 10 + (c - '0');
		}
		return valid ? value : 0;
	}
	// One of these characters.
	char one_of(std::string_view characters) {
		const char c = next();
		if (characters.find(c) == std::string_view::npos)
			valid = false;
		return c;
	}
	bool starts_with(char c) const { return text_.starts_with(c); }
	bool starts_with_digit() const { return !text_.empty() && text_[0] >= '0' && text_[0] <= '9'; }
	bool at_end() const { return text_.empty(); }

	bool valid = true;

private:
	char next() {
		if (text_.empty()) {
			valid = false;
			return '0';
		}
		const char c = text_[0];
		text_.remove_prefix(1);
		return c;
	}

	std::string_view text_;
};

// Microseconds of "." and digits, if they are there.
int64_t read_fraction(Cursor &cursor) {
	if (!cursor.starts_with('.'))
		return 0;
	cursor.one_of(".");
	int64_t microseconds = cursor.number(1) * int64_t{100000};
	for (int64_t unit = 10000; cursor.starts_with_digit(); unit /= 10)
		microseconds += cursor.number(1) * unit;
	return microseconds;
}

// Minutes east of UTC.
int read_offset(Cursor &cursor) {
	const char sign = cursor.one_of("Zz+-");
	if (sign == 'Z' || sign == 'z')
		return 0;
	const int hours = cursor.number(2);
	cursor.one_of(":");
	const int minutes = cursor.number(2);
	if (hours > 23 || minutes > 59)
		cursor.valid = false;
	return (sign == '-' ? -1 : 1) * (hours * 60 + minutes);
}

} // namespace

std::optional<int64_t> parse_time(std::string_view text) {
	namespace chrono = std::chrono;
	Cursor cursor(text);
	const int year = cursor.number(4);
	cursor.one_of("-");
	const int month = cursor.number(2);
	cursor.one_of("-");
	const int day = cursor.number(2);
	cursor.one_of("Tt");
	const int hour = cursor.number(2);
	cursor.one_of(":");
	const int minute = cursor.number(2);
	cursor.one_of(":");
	const int second = cursor.number(2); // 60 for a leap second
	const int64_t fraction = read_fraction(cursor);
	const int offset = read_offset(cursor);
	const chrono::year_month_day date{
		chrono::year(year), chrono::month(unsigned(month)), chrono::day(unsigned(day))};
	if (!cursor.valid || !cursor.at_end() || !date.ok() || hour > 23 || minute > 59 || second > 60)
		return std::nullopt;
	constexpr chrono::sys_days epoch = chrono::year{2000} / chrono::January / 1;
	constexpr chrono::sys_days first = chrono::year{0} / chrono::January / 1;
	constexpr chrono::sys_days end = chrono::year{10000} / chrono::January / 1;
	const chrono::minutes minutes =
		chrono::sys_days(date) - epoch + chrono::hours(hour) + chrono::minutes(minute - offset);
	const chrono::microseconds time =
		minutes + chrono::seconds(second) + chrono::microseconds(fraction);
	// Years have four digits in UTC as well.
	if (time < first - epoch || time >= end - epoch)
		return std::nullopt;
	return time.count();
}

} // namespace tokpay
