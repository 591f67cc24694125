// Requests that move or reserve money on their way through a lane, and the answers they get.
#pragma once

#include "api/documents.hpp"
#include "api/exchange.hpp"
#include "api/handlers.hpp"

namespace tokpay {

using TransferTicketPtr = TransferCall::LaneType::TicketPtr;

// Sends transfers through the lane that the caller's scopes allow: them and, in their order, their
// outcomes. The principal of each is set here.
boost::asio::awaitable<Result<TransferTicketPtr>> execute(
	Exchange &exchange, std::vector<TransferRequest> transfers);

// The answer to a request that was executed or refused: 201 and the transfer, 200 for a replay, or
// the problem that the refusal is.
Result<Response> answer_to(
	Worker &worker, const TransferRequest &request, const TransferOutcome &outcome);

// Executes one request, which is moved from, with the Idempotency-Key at the end of its key: 201
// and the transfer, 200 for a replay, or the problem that its refusal is.
Reply execute_one(Exchange &exchange, TransferRequest &request);

Problem transfer_unknown();

// Problems about an id in the path: what the body calls account_not_found or transfer_not_found.
Problem as_path_problem(Problem problem);

// The transfer as the caller may see it, a row with the receipt_columns; 404.
boost::asio::awaitable<Result<pg::Result>> read_receipt(Exchange &exchange, int64_t id);

} // namespace tokpay
