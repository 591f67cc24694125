// The endpoints of the API, one function each; router.cpp says which path and scope.
#pragma once

#include "exchange.hpp"
#include "pending_answer.hpp"

namespace tokpay {

using Reply = boost::asio::awaitable<Result<Response>>;
using Handler = Reply (*)(Exchange &);

// Begins what needs no coroutine; nothing where the handler has to be asked after all (direct.cpp).
using Start = std::unique_ptr<PendingAnswer> (*)(Exchange &);
std::unique_ptr<PendingAnswer> start_get_balance(Exchange &exchange);
std::unique_ptr<PendingAnswer> start_post_transfer(Exchange &exchange);

// handlers_accounts.cpp
Response balance_response(const Balance &balance);
Reply get_balance(Exchange &exchange);
Reply query_balances(Exchange &exchange);
Reply get_account(Exchange &exchange);
Reply list_accounts(Exchange &exchange);
Reply open_account(Exchange &exchange);
Reply get_entries(Exchange &exchange);

// handlers_transfers.cpp
Response transfer_response(Worker &worker, const Caller &caller, const TransferRequest &request,
	TransferOutcome outcome, const std::string &currency);
Reply post_transfer(Exchange &exchange);
Reply post_transfer_batch(Exchange &exchange);
Reply get_transfer(Exchange &exchange);
Reply find_transfer(Exchange &exchange);
Reply post_top_up(Exchange &exchange);

} // namespace tokpay
