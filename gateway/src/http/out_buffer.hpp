// What a connection has still to send.
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace tokpay {

// Empties a buffer; of its memory it keeps what an idle connection may have.
inline void release(std::string &buffer) {
	constexpr size_t max_kept_bytes = 4096;
	if (buffer.capacity() > max_kept_bytes)
		std::string().swap(buffer);
	else
		buffer.clear();
}

// Grows at its end and is sent from its beginning. What has been sent is forgotten, also where a
// client is always behind, so that something always waits.
class OutBuffer {
public:
	// A client that lets more than this lie unread gets nothing more until it reads.
	static constexpr size_t max_unsent_bytes = size_t{256} * 1024;

	// To append to.
	std::string &text() {
		if (sent_ > max_unsent_bytes)
			text_.erase(0, std::exchange(sent_, 0));
		return text_;
	}
	std::string_view unsent() const { return std::string_view(text_).substr(sent_); }
	bool empty() const { return sent_ == text_.size(); }
	bool full() const { return text_.size() - sent_ >= max_unsent_bytes; }
	size_t size() const { return text_.size(); } // in memory, sent or not

	void note_sent(size_t size) {
		sent_ += size;
		if (empty()) {
			sent_ = 0;
			release(text_);
		}
	}

private:
	std::string text_;
	size_t sent_ = 0;
};

} // namespace tokpay
