// The endpoints of the API, one function each; router.cpp says which path and scope.
#pragma once

#include "exchange.hpp"

namespace tokpay {

using Reply = boost::asio::awaitable<Result<Response>>;
using Handler = Reply (*)(Exchange &);

// handlers_accounts.cpp
Reply get_balance(Exchange &exchange);
Reply query_balances(Exchange &exchange);
Reply get_account(Exchange &exchange);
Reply list_accounts(Exchange &exchange);
Reply open_account(Exchange &exchange);
Reply get_entries(Exchange &exchange);

// handlers_transfers.cpp
Reply post_transfer(Exchange &exchange);
Reply post_transfer_batch(Exchange &exchange);
Reply get_transfer(Exchange &exchange);
Reply find_transfer(Exchange &exchange);
Reply post_top_up(Exchange &exchange);

} // namespace tokpay
