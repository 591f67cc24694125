// The person who has signed in: what the database knows, and as the objects of the interface.
#pragma once

#include "api/exchange.hpp"
#include "text/json_writer.hpp"

namespace tokpay {

// One row with the name and preferences, and one for each way to sign in.
struct Person {
	pg::Result profile;
	pg::Result identities;
};

// These are about the caller, who has a session.
boost::asio::awaitable<Result<Person>> read_person(Exchange &exchange);
boost::asio::awaitable<Result<pg::Result>> read_sessions(Exchange &exchange);
// People who were paid before, q is the beginning of an address or of a word of a name.
boost::asio::awaitable<Result<pg::Result>> read_recipients(
	Exchange &exchange, std::optional<std::string> q, int32_t max_rows);

// The accounts in the caller's reach, a person's wallet among them, up to a thousand. Callers who
// reach all have none.
boost::asio::awaitable<Result<pg::Result>> read_own_accounts(Exchange &exchange);

// The account that the person pays from.
int64_t wallet_of(const Person &person);

// Members of an object: display_name, locale, theme, identities.
void write_person_members(json::Writer &out, const Config &config, const Person &person);

// Arrays.
void write_sessions(json::Writer &out, const Exchange &exchange, const pg::Result &sessions);
void write_recipients(json::Writer &out, const pg::Result &recipients);

} // namespace tokpay
