// The endpoints of the API, one function each; router.cpp says which path and scope.
#pragma once

#include "api/exchange.hpp"
#include "http/pending_answer.hpp"

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
Reply patch_account(Exchange &exchange);

// handlers_entries.cpp
Reply get_entries(Exchange &exchange);
Reply get_summary(Exchange &exchange);

// handlers_transfers.cpp
Reply post_transfer(Exchange &exchange);
Reply post_transfer_batch(Exchange &exchange);
Reply get_transfer(Exchange &exchange);
Reply find_transfer(Exchange &exchange);
Reply post_top_up(Exchange &exchange);

// handlers_preview.cpp, handlers_refunds.cpp
Reply preview_transfer(Exchange &exchange);
Reply refund_transfer(Exchange &exchange);

// handlers_holds.cpp
Reply post_hold(Exchange &exchange);
Reply capture_hold(Exchange &exchange);
Reply void_hold(Exchange &exchange);
Reply list_holds(Exchange &exchange);
Reply reverse_transfer(Exchange &exchange);

// handlers_events.cpp
Reply get_events(Exchange &exchange);

// handlers_sign_in.cpp
Reply get_login(Exchange &exchange);
Reply get_callback(Exchange &exchange);
Reply get_session(Exchange &exchange);
Reply post_logout(Exchange &exchange);

// handlers_pages.cpp
Reply get_landing_page(Exchange &exchange);
Reply get_app_page(Exchange &exchange);
Reply get_file(Exchange &exchange);
// The landing page that tells of a failed sign-in, with the problem's status and headers; without a
// web app the problem itself.
boost::asio::awaitable<Response> failure_page(Exchange &exchange, Problem problem);

// handlers_me.cpp
Reply get_me(Exchange &exchange);
Reply patch_me(Exchange &exchange);
Reply list_sessions(Exchange &exchange);
Reply end_session(Exchange &exchange);
Reply end_sessions(Exchange &exchange);
Reply get_config(Exchange &exchange);
Reply get_openapi(Exchange &exchange);

// handlers_export.cpp, handlers_recipients.cpp
Reply export_me(Exchange &exchange);
Reply resolve_recipients(Exchange &exchange);
Reply list_recipients(Exchange &exchange);

} // namespace tokpay
