#include "text/json_writer.hpp"

#include <chrono>

namespace tokpay::json {

namespace {

// The last digits of a number, with zeros in front.
template<class T> char *put_digits(char *at, int count, T number) {
	for (int i = count; i-- > 0; number /= 10)
		at[i] = static_cast<char>('0' + number % 10);
	return at + count;
}

} // namespace

void append_time(int64_t microseconds, std::string *out) {
	using namespace std::chrono;
	constexpr sys_days epoch = year{2000} / January / 1;
	const auto time = epoch + std::chrono::microseconds(microseconds);
	const auto day = floor<days>(time);
	const year_month_day date(day);
	const hh_mm_ss clock(time - day);
	char text[] = "0000-00-00T00:00:00.000000Z";
	char *at = put_digits(text, 4, int(date.year()));
	at = put_digits(at + 1, 2, unsigned(date.month()));
	at = put_digits(at + 1, 2, unsigned(date.day()));
	at = put_digits(at + 1, 2, clock.hours().count());
	at = put_digits(at + 1, 2, clock.minutes().count());
	at = put_digits(at + 1, 2, clock.seconds().count());
	put_digits(at + 1, 6, clock.subseconds().count());
	out->append(text, sizeof text - 1);
}

} // namespace tokpay::json
