#include "connection.hpp"

#include <stdexcept>

namespace tokpay::bench {

namespace {

constexpr char statement_name[] = "load";

void check(const PGresult *result) {
	const ExecStatusType status = PQresultStatus(result);
	if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
		throw std::runtime_error(PQresultErrorMessage(result));
}

} // namespace

Connection::Connection(const std::string &database, const char *application_name) {
	const char *const names[] = {"dbname", "application_name", nullptr};
	const char *const values[] = {database.c_str(), application_name, nullptr};
	connection_.reset(PQconnectdbParams(names, values, 0));
	if (PQstatus(connection_.get()) != CONNECTION_OK)
		throw std::runtime_error(PQerrorMessage(connection_.get()));
}

ResultPtr Connection::execute(const std::string &sql) {
	ResultPtr result(PQexec(connection_.get(), sql.c_str()));
	check(result.get());
	return result;
}

void Connection::prepare(const std::string &sql, const std::vector<Oid> &types) {
	const ResultPtr result(PQprepare(connection_.get(), statement_name, sql.c_str(),
		static_cast<int>(types.size()), types.data()));
	check(result.get());
}

// A call that fits the socket's buffer never waits here; a larger one waits until the server has
// read it, which it does before it answers.
void Connection::send(const std::vector<std::string> &parameters) {
	values_.clear();
	lengths_.clear();
	formats_.assign(parameters.size(), 1);
	for (const std::string &parameter : parameters) {
		values_.push_back(parameter.data());
		lengths_.push_back(static_cast<int>(parameter.size()));
	}
	if (PQsendQueryPrepared(connection_.get(), statement_name, static_cast<int>(parameters.size()),
			values_.data(), lengths_.data(), formats_.data(), 1) == 0)
		throw std::runtime_error(PQerrorMessage(connection_.get()));
}

ResultPtr Connection::receive() {
	if (PQconsumeInput(connection_.get()) == 0)
		throw std::runtime_error(PQerrorMessage(connection_.get()));
	while (PQisBusy(connection_.get()) == 0) {
		ResultPtr next(PQgetResult(connection_.get()));
		if (!next)
			return std::move(arriving_);
		check(next.get());
		arriving_ = std::move(next);
	}
	return nullptr;
}

} // namespace tokpay::bench
