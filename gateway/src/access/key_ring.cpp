#include "access/key_ring.hpp"

namespace tokpay {

KeyRing::LookUp KeyRing::find(
	jose::Algorithm algorithm, const std::optional<std::string> &id, Clock::time_point now) {
	using Kind = LookUp::Kind;
	const bool may_ask = !asking_ && (!next_ask_ || now >= *next_ask_);
	const bool trusted = fetched_at_ && now - *fetched_at_ < trusted_for;
	LookUp result{Kind::unavailable};
	if (const jose::Key *key = trusted ? keys_.find(algorithm, id) : nullptr) {
		result = {Kind::found, key};
		result.ask = may_ask && now - *fetched_at_ >= refresh_after;
	} else if (asking_ || may_ask) {
		result.kind = Kind::wait;
		result.ask = may_ask;
	} else if (trusted) {
		result.kind = Kind::unknown;
	}
	asking_ |= result.ask;
	return result;
}

bool KeyRing::fetched(jose::KeySet keys, std::string text, Clock::time_point now) {
	asking_ = false;
	fetched_at_ = now;
	next_ask_ = now + pause;
	keys_ = std::move(keys);
	const bool changed = text != text_;
	text_ = std::move(text);
	return changed;
}

void KeyRing::failed(Clock::time_point now) {
	asking_ = false;
	next_ask_ = now + pause_after_failure;
}

} // namespace tokpay
