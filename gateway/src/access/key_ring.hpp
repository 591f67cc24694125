// The keys of an issuer: which are believed, and when to ask the issuer again. No I/O, no clock of
// its own.
#pragma once

#include "access/jwk.hpp"

#include <chrono>

namespace tokpay {

class KeyRing {
public:
	using Clock = std::chrono::steady_clock;

	struct LookUp {
		enum class Kind {
			found,
			unknown,	 // the issuer has no such key
			unavailable, // the issuer has not said
			wait,		 // it is being asked
		} kind;
		const jose::Key *key = nullptr; // until the next fetched()
		bool ask = false;				// the issuer, and say fetched() or failed()
	};

	// Where ask comes back true the caller has begun to ask. Of a key that is not known the issuer
	// is asked at once, unless it was asked within the last minute: tokens that are made up with
	// ever new ids cost it nothing.
	LookUp find(
		jose::Algorithm algorithm, const std::optional<std::string> &id, Clock::time_point now);

	// The issuer's answer. True where the keys are others than before: what they have verified is
	// to be verified again.
	bool fetched(jose::KeySet keys, std::string text, Clock::time_point now);
	void failed(Clock::time_point now);

private:
	static constexpr std::chrono::minutes refresh_after{5};
	static constexpr std::chrono::minutes trusted_for{60};
	static constexpr std::chrono::seconds pause{60};
	static constexpr std::chrono::seconds pause_after_failure{5};

	jose::KeySet keys_;
	std::string text_;
	std::optional<Clock::time_point> fetched_at_;
	std::optional<Clock::time_point> next_ask_; // none: now
	bool asking_ = false;
};

} // namespace tokpay
