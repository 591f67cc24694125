#include "ledger/leader.hpp"

#include <utility>

namespace tokpay {

Leader::Verdict Leader::answered(size_t member, const Epoch &epoch, TimePoint now) {
	const bool is_older =
		epoch < epoch_.value_or(Epoch()) || epoch.incarnation < incarnation_.value_or(0);
	const bool is_accepted = epoch.incarnation <= incarnation_.value_or(epoch.incarnation);
	if (is_older || !is_accepted) {
		denied(member);
		return is_older ? Verdict::older : Verdict::not_accepted;
	}
	const Epoch before = epoch_.value_or(epoch);
	const bool is_new = epoch > before;
	incarnation_ = epoch.incarnation;
	epoch_ = epoch;
	last_answer_ = now;
	is_denied_ = false;
	if (leading_ && !is_new) // another member may be the same server by another name
		return Verdict::accepted;
	const bool is_promoted =
		epoch.incarnation != before.incarnation || epoch.timeline != before.timeline;
	if (is_promoted || last_leading_.value_or(member) != member)
		failovers_++;
	leading_ = last_leading_ = member;
	return Verdict::accepted;
}

void Leader::denied(size_t member) {
	if (leading_ && leading_ != member)
		return;
	is_denied_ = true;
	leading_.reset();
}

void Leader::doubted(size_t member) {
	if (members_ > 1 && leading_ == member)
		leading_.reset();
}

bool Leader::accept(int64_t incarnation) {
	if (epoch_ && incarnation < epoch_->incarnation)
		return false;
	if (epoch_ && incarnation > epoch_->incarnation)
		leading_.reset();
	incarnation_ = incarnation;
	return true;
}

} // namespace tokpay
