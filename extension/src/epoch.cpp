#include "epoch.hpp"

#include "fence.hpp"

namespace tokpay {

Epoch current_epoch() {
	if (fence_state().touched)
		if (const Leadership *leads = leadership())
			return leads->epoch;
	return {
		.incarnation = 1, .timeline = static_cast<int32>(GetWALInsertionTimeLine()), .counter = 0};
}

char *epoch_text(const Epoch &epoch) {
	return psprintf(
		INT64_FORMAT ".%d." INT64_FORMAT, epoch.incarnation, epoch.timeline, epoch.counter);
}

void pack_epoch(StringInfo bytes) {
	const Epoch epoch = current_epoch();
	pq_sendint64(bytes, epoch.incarnation);
	pq_sendint32(bytes, epoch.timeline);
	pq_sendint64(bytes, epoch.counter);
}

} // namespace tokpay

TOKPAY_FUNCTION(tokpay_epoch) {
	using namespace tokpay;
	require_leader();
	PG_RETURN_TEXT_P(cstring_to_text(epoch_text(current_epoch())));
}
