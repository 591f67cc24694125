// Which member of a cluster leads, as far as one can know: what is believed after each of their
// answers. A reply counts where its epoch is not older than any that was seen before, and of an
// incarnation that the operator has accepted. A server without a cluster is one of one member.
//
// No I/O, no locks: Leadership (leadership.hpp) shares one between threads.
#pragma once

#include "ledger/epoch.hpp"

#include <chrono>
#include <cstddef>

namespace tokpay {

class Leader {
public:
	using TimePoint = std::chrono::steady_clock::time_point;

	enum class Verdict {
		accepted,
		older,		  // than what was seen: no client may see the reply
		not_accepted, // an incarnation that the operator has not accepted: no client either
	};

	// incarnation: the one that is accepted, and older ones are not; nothing: the first that is
	// met.
	Leader(size_t members, std::optional<int64_t> incarnation)
		: members_(members), incarnation_(incarnation) {}

	// A member has answered as a leader does.
	Verdict answered(size_t member, const Epoch &epoch, TimePoint now);

	// It says that it does not lead.
	void denied(size_t member);

	// Nothing is known of it any more: a connection was lost, or an answer did not come. An only
	// member leads on: there is nobody else to send to.
	void doubted(size_t member);

	// The operator accepts an incarnation, and earlier ones no more. False where a later one was
	// met and accepted already.
	bool accept(int64_t incarnation);

	// Whether the leader has answered of late. It is asked once a second, and has two to answer.
	bool answers(TimePoint now) const {
		return leading_ && now - *last_answer_ <= std::chrono::seconds(4);
	}

	// Nothing while the leader is looked for.
	std::optional<size_t> leading() const { return leading_; }

	// The latest that was accepted; nothing before the first.
	const std::optional<Epoch> &epoch() const { return epoch_; }
	std::optional<int64_t> accepted_incarnation() const { return incarnation_; }

	// How often another member, or one after a promotion, has become the leader.
	uint64_t failovers() const { return failovers_; }

	// Whether clients are told that there is no leader, and not only that it does not answer.
	bool has_none() const { return !leading_ && (members_ > 1 || is_denied_); }

	// Whether the leader has been away for no longer than that: requests are held meanwhile.
	bool may_hold(TimePoint now, std::chrono::milliseconds longest) const {
		return members_ > 1 && last_answer_ && now - *last_answer_ <= longest;
	}

private:
	size_t members_;
	std::optional<int64_t> incarnation_;
	std::optional<Epoch> epoch_;
	std::optional<size_t> leading_;
	std::optional<size_t> last_leading_;
	std::optional<TimePoint> last_answer_; // of a leader
	uint64_t failovers_ = 0;
	bool is_denied_ = false; // by a member, after the last answer of a leader
};

} // namespace tokpay
