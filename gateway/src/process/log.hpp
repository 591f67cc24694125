// Lines for standard error. Who logs never waits for whoever reads them.
#pragma once

#include "process/counter.hpp"

#include <condition_variable>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

namespace tokpay {

// Lines that wait to be written, in bounded memory. Thread-safe.
class LogBuffer {
public:
	explicit LogBuffer(size_t capacity_bytes) : capacity_(capacity_bytes) {}

	// A line with its end; it is dropped, and counted, where there is no room.
	void add(std::string_view line);

	// Waits until there are lines, which replace what *lines had. False once it is closed and
	// empty.
	bool take(std::string *lines);

	// Lines that were taken could not be written.
	void count_dropped(uint64_t lines);

	void close();

	uint64_t dropped() const { return dropped_.get(); }

private:
	const size_t capacity_;
	std::mutex mutex_; // of all below
	std::condition_variable changed_;
	std::string lines_;
	bool closed_ = false;
	Counter dropped_;
};

// Writes lines to a descriptor in a thread of its own, whole ones where that is a pipe that others
// write to as well.
class Log {
public:
	// The descriptor outlives the log.
	explicit Log(int descriptor);

	// Waits for a second at most for what is not written yet.
	~Log();
	Log(const Log &) = delete;
	Log &operator=(const Log &) = delete;

	// A line with its end.
	void add(std::string_view line) { buffer_->add(line); }

	// Lines that nobody will read: there was no room, or writing failed.
	uint64_t dropped() const { return buffer_->dropped(); }

private:
	static void write_lines(LogBuffer &buffer, int descriptor);

	std::shared_ptr<LogBuffer> buffer_; // shared with a thread that may never end
	std::future<void> ended_;
	std::thread writer_;
};

// The log on standard error. Its thread begins with the first use.
Log &standard_log();

// "tokpay-gateway: TEXT" as a line, whatever characters the text has.
void log_message(std::string_view text);

} // namespace tokpay
