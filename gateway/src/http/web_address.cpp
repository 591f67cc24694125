#include "http/web_address.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

namespace tokpay {

namespace {

constexpr uint16_t http_port = 80;
constexpr uint16_t https_port = 443;
constexpr size_t max_bytes = 2000;
constexpr std::string_view host_characters =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_:";

} // namespace

std::optional<WebAddress> parse_web_address(std::string_view text) {
	if (text.size() > max_bytes)
		return std::nullopt;
	const auto url = boost::urls::parse_uri({text.data(), text.size()});
	if (!url || url->has_userinfo() || url->has_fragment() || url->encoded_host().empty())
		return std::nullopt;
	const bool tls = url->scheme_id() == boost::urls::scheme::https;
	if (!tls && url->scheme_id() != boost::urls::scheme::http)
		return std::nullopt;
	WebAddress address{.tls = tls, .host = {}, .port = tls ? https_port : http_port, .target = {}};
	const auto host = url->host_address();
	address.host.assign(host.data(), host.size());
	if (address.host.find_first_not_of(host_characters) != std::string::npos)
		return std::nullopt;
	if (url->has_port()) {
		address.port = url->port_number();
		if (address.port == 0)
			return std::nullopt;
	}
	const auto target = url->encoded_target();
	address.target.assign(target.data(), target.size());
	// Boost 1.81 ends the host of "127.0.0.1.example" where it has read an IPv4 address.
	if (!address.target.empty() && address.target[0] != '/' && address.target[0] != '?')
		return std::nullopt;
	if (!address.target.starts_with('/'))
		address.target.insert(0, "/");
	return address;
}

bool WebAddress::is_loopback() const {
	boost::system::error_code error;
	const auto address = boost::asio::ip::make_address(host, error);
	return error ? host == "localhost" : address.is_loopback();
}

std::string WebAddress::host_header() const {
	const std::string name = host.find(':') == std::string::npos ? host : '[' + host + ']';
	return port == (tls ? https_port : http_port) ? name : name + ':' + std::to_string(port);
}

} // namespace tokpay
