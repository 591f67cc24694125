// Bodies: what is read as JSON is written as JSON of the same meaning, every reader of a body says
// something about it, and of a plain one the complete readers say the same.
#include "fuzz_target.hpp"

#include "api/body_reader.hpp"
#include "api/plain_body.hpp"
#include "text/json_reader.hpp"

using namespace tokpay;

namespace {

template<class Plain, class Complete> void agree(const Plain &plain, const Complete &complete) {
	fuzz::check(!plain || (complete && *complete == *plain));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	const std::string_view text = fuzz::text(data, size);
	std::string why;
	if (const auto document = json::Document::parse(text, &why)) {
		std::string written;
		document->append_text(0, &written);
		const auto again = json::Document::parse(written, &why);
		fuzz::check(again.has_value());
		std::string twice;
		again->append_text(0, &twice);
		fuzz::check(written == twice);
	} else {
		fuzz::check(!why.empty());
	}
	agree(plain::read_transfer_body(text), complete::read_transfer_body(text));
	agree(plain::read_transfer_batch(text), complete::read_transfer_batch(text));
	agree(plain::read_balances_query(text), complete::read_balances_query(text));
	const auto transfer = read_transfer_body(text);
	fuzz::check(!transfer || (transfer->debit > 0 && !transfer->credits.empty()));
	if (const auto batch = read_transfer_batch(text))
		for (const auto &item : *batch)
			fuzz::check(item.debit > 0 && !item.key.empty());
	if (const auto accounts = read_balances_query(text))
		fuzz::check(!accounts->empty());
	if (const auto top_up = read_top_up(text))
		fuzz::check(top_up->amount > 0);
	if (const auto hold = read_hold(text))
		fuzz::check(!hold->expires_in || *hold->expires_in > 0);
	if (const auto capture = read_capture(text); capture && capture->amounts)
		for (const int64_t amount : *capture->amounts)
			fuzz::check(amount >= 0);
	if (const auto patch = read_account_patch(text))
		fuzz::check(json::Document::parse(*patch, &why).has_value());
	if (const auto patch = read_profile_patch(text))
		fuzz::check(json::Document::parse(*patch, &why).has_value());
	if (const auto addresses = read_addresses(text))
		fuzz::check(addresses->account > 0 && !addresses->emails.empty());
	(void)read_account(text);
	(void)read_void(text);
	(void)read_reverse(text);
	(void)read_refund(text);
	return 0;
}
