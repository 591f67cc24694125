#include "process/log.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>

namespace tokpay {

namespace {

// Some hundredths of a second of requests at the highest rate; as much again may be on its way out.
constexpr size_t log_buffer_bytes = size_t{1024} * 1024;
constexpr std::chrono::seconds last_words{1};

bool is_control(char c) {
	return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

// Lines that a pipe takes without anybody else's in between: at least one, PIPE_BUF bytes where
// more fit.
std::string_view next_piece(std::string_view lines) {
	const size_t last_end = lines.substr(0, PIPE_BUF).rfind('\n');
	const size_t end = last_end != std::string_view::npos ? last_end : lines.find('\n');
	return lines.substr(0, std::min(end, lines.size() - 1) + 1);
}

// False where it cannot be written.
bool write_piece(int descriptor, std::string_view piece) {
	while (!piece.empty()) {
		const ssize_t size = write(descriptor, piece.data(), piece.size());
		if (size >= 0) {
			piece.remove_prefix(static_cast<size_t>(size));
		} else if (errno == EAGAIN) { // somebody else has made it so
			pollfd room{.fd = descriptor, .events = POLLOUT, .revents = 0};
			poll(&room, 1, -1);
		} else if (errno != EINTR) {
			return false;
		}
	}
	return true;
}

} // namespace

void LogBuffer::add(std::string_view line) {
	const std::lock_guard lock(mutex_);
	if (lines_.size() + line.size() > capacity_) {
		dropped_.add();
		return;
	}
	if (lines_.empty())
		changed_.notify_one();
	lines_.append(line);
}

bool LogBuffer::take(std::string *lines) {
	lines->clear();
	std::unique_lock lock(mutex_);
	changed_.wait(lock, [this] { return !lines_.empty() || closed_; });
	lines->swap(lines_);
	return !lines->empty();
}

void LogBuffer::count_dropped(uint64_t lines) {
	const std::lock_guard lock(mutex_);
	dropped_.add(lines);
}

void LogBuffer::close() {
	const std::lock_guard lock(mutex_);
	closed_ = true;
	changed_.notify_one();
}

Log::Log(int descriptor) : buffer_(std::make_shared<LogBuffer>(log_buffer_bytes)) {
	std::promise<void> ended;
	ended_ = ended.get_future();
	writer_ = std::thread([buffer = buffer_, descriptor, ended = std::move(ended)]() mutable {
		write_lines(*buffer, descriptor);
		ended.set_value();
	});
}

Log::~Log() {
	buffer_->close();
	// A thread that waits for a reader ends with the process.
	if (ended_.wait_for(last_words) == std::future_status::ready)
		writer_.join();
	else
		writer_.detach();
}

void Log::write_lines(LogBuffer &buffer, int descriptor) {
	std::string lines;
	while (buffer.take(&lines)) {
		std::string_view rest = lines;
		while (!rest.empty()) {
			const std::string_view piece = next_piece(rest);
			if (!write_piece(descriptor, piece))
				buffer.count_dropped(static_cast<uint64_t>(std::ranges::count(piece, '\n')));
			rest.remove_prefix(piece.size());
		}
	}
}

Log &standard_log() {
	static Log log(STDERR_FILENO);
	return log;
}

void log_message(std::string_view text) {
	while (!text.empty() && is_control(text.back()))
		text.remove_suffix(1);
	std::string line = "tokpay-gateway: ";
	line.append(text).append("\n");
	// One message is one line, and none moves a terminal's cursor.
	std::replace_if(line.begin(), line.end() - 1, is_control, ' ');
	standard_log().add(line);
}

} // namespace tokpay
