#include "epoch.hpp"

#include "cluster.hpp"
#include "refusal.hpp"

namespace tokpay {

Epoch current_epoch() {
	return {
		.incarnation = 1, .timeline = static_cast<int32>(GetWALInsertionTimeLine()), .counter = 0};
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
	const Epoch epoch = current_epoch();
	PG_RETURN_TEXT_P(cstring_to_text(psprintf(
		INT64_FORMAT ".%d." INT64_FORMAT, epoch.incarnation, epoch.timeline, epoch.counter)));
}
