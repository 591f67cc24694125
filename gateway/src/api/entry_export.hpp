// All entries of an account, page by page, while a body is streamed.
#pragma once

#include "access/credential.hpp"
#include "api/entry_search.hpp"

namespace tokpay {

// Entries in one call of an export: a few milliseconds of the database's time.
constexpr int64_t export_page_size = 1000;

// Whether the last row of a page is no entry but the place where a search has stopped.
bool stopped_early(const pg::Result &entries);

// Rows of a page that are entries.
int entry_count(const pg::Result &entries);

// The version below which the page after this one of an export begins; nothing where it is the
// last.
std::optional<int64_t> next_page(const pg::Result &entries);

// The page below a version, or the first one, tried again while the database is away. Throws
// std::runtime_error once patience has ended or the credential is no longer good, which breaks the
// connection off, so that the client notices.
boost::asio::awaitable<Entries> read_export_page(Worker &worker, EntrySearch search,
	CallerPtr caller, const Credential &credential, std::optional<int64_t> before);

} // namespace tokpay
