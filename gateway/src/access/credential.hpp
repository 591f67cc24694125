// What a stream was asked for with, to find out while it goes on whether that is still good.
#pragma once

#include "api/exchange.hpp"

namespace tokpay {

class Credential {
public:
	// Of the request of an exchange.
	explicit Credential(const Exchange &exchange);

	// False once it is revoked or over; true where the database cannot be asked.
	boost::asio::awaitable<bool> is_good(Worker &worker) const;

private:
	std::string authorization_;
	std::string cookie_;
	boost::asio::ip::address client_; // no proxy
};

} // namespace tokpay
