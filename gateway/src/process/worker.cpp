#include "process/worker.hpp"

#include "http/security_headers.hpp"

namespace tokpay {

namespace {

// Accounts in one read call, credits in one transfer call: some milliseconds of the database's
// time. Four times as much may wait, a tenth of a second or so.
constexpr LaneRunner<BalanceCall>::Options read_options{
	.limits = {.batch_weight = 10000, .queue_weight = 40000}};
constexpr LaneRunner<TransferCall>::Options transfer_options{
	.limits = {.batch_weight = 5000, .queue_weight = 20000}};
// Statements cannot share a call; two connections keep a long one from blocking all others, and
// carry twice what one does in that time.
constexpr LaneRunner<StatementCall>::Options statement_options{
	.limits = {.batch_weight = 1, .queue_weight = 1000, .max_wait = std::chrono::seconds(2)},
	.connections = 2};
// API keys in one call.
constexpr LaneRunner<CredentialCall>::Options credential_options{
	.limits = {.batch_weight = 1000, .queue_weight = 10000}};

} // namespace

Worker::Worker(
	const Config &c, RateLimiter &l, const ServerTls *t, Leadership &leadership, const WebFiles *w)
	: config(c), limiter(l), tls(t), web(w), security_headers(tokpay::security_headers(c)),
	  page_headers(tokpay::page_headers(c)), leader(io, leadership),
	  reads(io, leader, c.databases, "database", read_options),
	  transfers(io, leader, c.databases, "database", transfer_options),
	  funded_transfers(io, leader, c.admin_databases, "admin-database", transfer_options),
	  statements(io, leader, c.admin_databases, "admin-database", statement_options),
	  credentials(io, leader, c.admin_databases, "admin-database", credential_options) {
	metrics.lanes = {{"read", &reads.lane().counters()}, {"transfer", &transfers.lane().counters()},
		{"funded_transfer", &funded_transfers.lane().counters()},
		{"statement", &statements.lane().counters()},
		{"credential", &credentials.lane().counters()}};
	for (const ProviderConfig &provider : c.providers)
		providers.emplace_back(io, provider);
	reads.start();
	transfers.start();
	funded_transfers.start();
	statements.start();
	credentials.start();
}

} // namespace tokpay
