#include "ledger/leadership.hpp"

#include "process/log.hpp"

#include <boost/asio/post.hpp>

#include <utility>

namespace tokpay {

namespace {

Leader::TimePoint now() {
	return std::chrono::steady_clock::now();
}

} // namespace

Leadership::Leadership(std::vector<std::string> members, std::optional<int64_t> incarnation)
	: members_(std::move(members)), leader_(members_.size(), incarnation),
	  last_logged_(members_.size()) {}

Leadership::State Leadership::locked_state() const {
	return {leader_.leading(), leader_.epoch(), generation_.load(std::memory_order_relaxed)};
}

// With the lock held, so that nobody is told of a later state first.
void Leadership::tell_of_change(const State &before) {
	if (before.leading == leader_.leading() && before.epoch == leader_.epoch())
		return;
	generation_.fetch_add(1, std::memory_order_release);
	for (const auto &tell : subscribers_)
		tell();
}

// The same trouble again says nothing new.
void Leadership::log_once(size_t member, const std::string &text) {
	if (std::exchange(last_logged_[member], text) != text)
		log_message(members_[member] + ": " + text);
}

Leader::Verdict Leadership::answered(size_t member, const Epoch &epoch) {
	const std::lock_guard lock(mutex_);
	const State before = locked_state();
	const auto verdict = leader_.answered(member, epoch, now());
	switch (verdict) {
	case Leader::Verdict::accepted:
		if (leader_.leading() == member)
			log_once(member, "leads, epoch " + to_text(epoch));
		break;
	case Leader::Verdict::older:
		log_once(member, "answers in epoch " + to_text(epoch) + ", which is over; incarnation " +
							 std::to_string(*leader_.accepted_incarnation()) +
							 " is accepted (setting incarnation)");
		break;
	case Leader::Verdict::not_accepted:
		log_once(member, "answers in epoch " + to_text(epoch) +
							 ", a new incarnation of the ledger; incarnation " +
							 std::to_string(*leader_.accepted_incarnation()) +
							 " is accepted (setting incarnation). What was acknowledged before may "
							 "be missing in it. To "
							 "accept it, set incarnation = " +
							 std::to_string(epoch.incarnation) + " in the file and send SIGHUP");
		break;
	}
	tell_of_change(before);
	return verdict;
}

void Leadership::denied(size_t member, const std::string &why) {
	const std::lock_guard lock(mutex_);
	const State before = locked_state();
	leader_.denied(member);
	log_once(member, "does not lead: " + why);
	tell_of_change(before);
}

void Leadership::doubted(size_t member, const std::string &why) {
	const std::lock_guard lock(mutex_);
	const State before = locked_state();
	leader_.doubted(member);
	log_once(member, why);
	tell_of_change(before);
}

bool Leadership::accept(int64_t incarnation) {
	const std::lock_guard lock(mutex_);
	const State before = locked_state();
	const bool is_accepted = leader_.accept(incarnation);
	tell_of_change(before);
	return is_accepted;
}

bool Leadership::answers() const {
	const std::lock_guard lock(mutex_);
	return leader_.answers(now());
}

bool Leadership::has_none() const {
	const std::lock_guard lock(mutex_);
	return leader_.has_none();
}

bool Leadership::may_hold(std::chrono::milliseconds longest) const {
	const std::lock_guard lock(mutex_);
	return leader_.may_hold(now(), longest);
}

std::optional<int64_t> Leadership::accepted_incarnation() const {
	const std::lock_guard lock(mutex_);
	return leader_.accepted_incarnation();
}

void Leadership::note_lag(std::optional<int64_t> bytes) {
	const std::lock_guard lock(mutex_);
	lag_bytes_ = bytes;
}

Leadership::State Leadership::state() const {
	const std::lock_guard lock(mutex_);
	return locked_state();
}

Leadership::Figures Leadership::figures() const {
	const std::lock_guard lock(mutex_);
	return {members_, locked_state(), leader_.failovers(), lag_bytes_};
}

void Leadership::subscribe(std::function<void()> tell) {
	const std::lock_guard lock(mutex_);
	subscribers_.push_back(std::move(tell));
}

LeaderView::LeaderView(boost::asio::io_context &io, Leadership &leadership)
	: leadership_(leadership), state_(leadership.state()), told_(state_.generation) {
	leadership.subscribe([this, &io] { boost::asio::post(io, [this] { refresh(); }); });
}

void LeaderView::denied(size_t member, const std::string &why) {
	leadership_.denied(member, why);
	state_ = leadership_.state();
}

void LeaderView::doubted(size_t member, const std::string &why) {
	leadership_.doubted(member, why);
	state_ = leadership_.state();
}

void LeaderView::refresh() {
	state_ = leadership_.state();
	if (std::exchange(told_, state_.generation) == state_.generation)
		return;
	for (const auto &tell : subscribers_)
		tell();
}

} // namespace tokpay
