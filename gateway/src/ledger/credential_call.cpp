#include "ledger/credential_call.hpp"

namespace tokpay {

pg::Query CredentialCall::query(const LaneType::Batch &batch, std::chrono::milliseconds) const {
	constexpr uint32_t bytea_oid = 17;
	constexpr uint32_t bytea_array_oid = 1001;
	std::string digests;
	pg::Writer writer(digests);
	writer.array_head(bytea_oid, batch.size());
	for (const auto &ticket : batch)
		writer.text_field(octets(ticket->request.digest));
	return {"select id, scopes, has_list, requests_per_second, wallet_user, owner, is_fresh"
			" from tokpay.gateway_credentials($1)",
		{{bytea_array_oid, std::move(digests)}}, true};
}

void CredentialCall::read(const pg::Result &result, const LaneType::Batch &batch) const {
	int row = 0;
	for (const auto &ticket : batch) {
		ticket->reply.reset();
		if (!result.is_null(row, 0)) {
			StoredCredential &found =
				ticket->reply.emplace(StoredCredential{.id = result.int8(row, 0)});
			if (!result.is_null(row, 4)) {
				found.user = result.int8(row, 4);
				found.owner = result.text(row, 5);
				found.is_fresh = result.boolean(row, 6);
			} else {
				found.scopes = result.text_array(row, 1);
				found.has_list = result.boolean(row, 2);
				if (!result.is_null(row, 3))
					found.requests_per_second = result.int4(row, 3);
			}
		}
		row++;
	}
}

} // namespace tokpay
