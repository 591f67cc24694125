#include "json_writer.hpp"

#include <chrono>
#include <cstdio>

namespace tokpay::json {

void append_time(int64_t microseconds, std::string *out) {
	using namespace std::chrono;
	constexpr sys_days epoch = year{2000} / January / 1;
	const auto time = epoch + std::chrono::microseconds(microseconds);
	const auto day = floor<days>(time);
	const year_month_day date(day);
	const hh_mm_ss clock(time - day);
	char text[48];
	const int size = std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d.%06dZ",
		int(date.year()), unsigned(date.month()), unsigned(date.day()), int(clock.hours().count()),
		int(clock.minutes().count()), int(clock.seconds().count()),
		int(clock.subseconds().count()));
	out->append(text, static_cast<size_t>(size));
}

} // namespace tokpay::json
