// Who is at the other end, behind proxies that we trust to say so.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/network_v4.hpp>
#include <boost/asio/ip/network_v6.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tokpay {

// Addresses and networks whose X-Forwarded-For is believed.
class TrustedProxies {
public:
	// "10.0.0.0/8, 127.0.0.1, fd00::/8"; nothing where one of them is no address or network.
	static std::optional<TrustedProxies> parse(std::string_view text);

	bool empty() const { return v4_.empty() && v6_.empty(); }
	bool contains(const boost::asio::ip::address &address) const;

	// The client of a connection from peer. Every proxy appends whom it spoke with, so the fields'
	// values are read from the right as long as the one who says it is trusted. What is no address
	// ends it.
	boost::asio::ip::address client(const boost::asio::ip::address &peer,
		const std::vector<std::string_view> &forwarded_for) const;

private:
	std::vector<boost::asio::ip::network_v4> v4_;
	std::vector<boost::asio::ip::network_v6> v6_;
};

// What stands for a client in limits: its address, of IPv6 the network of 64 bits, which is what
// one client has at least.
std::string client_identity(const boost::asio::ip::address &client);

} // namespace tokpay
