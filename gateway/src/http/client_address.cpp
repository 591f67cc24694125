#include "http/client_address.hpp"

#include <algorithm>

namespace tokpay {

namespace ip = boost::asio::ip;

namespace {

// X-Forwarded-For is read so far; a longer one is a client's invention.
constexpr int max_hops = 32;

std::string_view trimmed(std::string_view text) {
	const size_t begin = text.find_first_not_of(" \t");
	if (begin == std::string_view::npos)
		return {};
	return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

// An IPv4 address in the clothes of IPv6, as a socket for both has it, is an IPv4 address.
ip::address plain(const ip::address &address) {
	if (address.is_v6() && address.to_v6().is_v4_mapped())
		return ip::make_address_v4(ip::v4_mapped, address.to_v6());
	return address;
}

// "192.0.2.1", "192.0.2.1:4711", "2001:db8::1", "[2001:db8::1]:4711".
std::optional<ip::address> parse_hop(std::string_view text) {
	if (text.starts_with('['))
		text = text.substr(1, text.find(']') - 1);
	else if (std::ranges::count(text, ':') == 1)
		text = text.substr(0, text.find(':'));
	boost::system::error_code error;
	const ip::address address = ip::make_address(text, error);
	if (error)
		return std::nullopt;
	return plain(address);
}

} // namespace

std::optional<TrustedProxies> TrustedProxies::parse(std::string_view text) {
	TrustedProxies proxies;
	while (!trimmed(text).empty()) {
		const size_t end = std::min(text.find(','), text.size());
		const std::string item(trimmed(text.substr(0, end)));
		text.remove_prefix(std::min(end + 1, text.size()));
		boost::system::error_code error;
		const bool has_length = item.find('/') != std::string::npos;
		const bool is_v6 = item.find(':') != std::string::npos;
		if (is_v6)
			proxies.v6_.push_back(
				ip::make_network_v6(has_length ? item : item + "/128", error).canonical());
		else
			proxies.v4_.push_back(
				ip::make_network_v4(has_length ? item : item + "/32", error).canonical());
		if (error)
			return std::nullopt;
	}
	return proxies;
}

bool TrustedProxies::contains(const ip::address &address) const {
	const ip::address it = plain(address);
	if (it.is_v4())
		return std::ranges::any_of(v4_, [&](const ip::network_v4 &network) {
			return ip::network_v4(it.to_v4(), network.prefix_length()).canonical() == network;
		});
	return std::ranges::any_of(v6_, [&](const ip::network_v6 &network) {
		return ip::network_v6(it.to_v6(), network.prefix_length()).canonical() == network;
	});
}

ip::address TrustedProxies::client(
	const ip::address &peer, const std::vector<std::string_view> &forwarded_for) const {
	ip::address client = plain(peer);
	int hops = 0;
	for (auto field = forwarded_for.rbegin(); field != forwarded_for.rend(); ++field) {
		std::string_view rest = *field;
		while (!rest.empty()) {
			if (!contains(client) || ++hops > max_hops)
				return client;
			const size_t comma = rest.rfind(',');
			const auto hop =
				parse_hop(trimmed(comma == std::string_view::npos ? rest : rest.substr(comma + 1)));
			if (!hop)
				return client;
			client = *hop;
			rest = rest.substr(0, comma == std::string_view::npos ? 0 : comma);
		}
	}
	return client;
}

std::string client_identity(const ip::address &client) {
	const ip::address address = plain(client);
	if (address.is_v4())
		return address.to_string();
	constexpr unsigned short network_bits = 64;
	return ip::network_v6(address.to_v6(), network_bits).canonical().to_string();
}

} // namespace tokpay
