// Signed JSON Web Tokens in compact form (RFC 7515, RFC 7519): taken apart, nothing believed yet.
#pragma once

#include "access/jwk.hpp"

namespace tokpay::jose {

struct Token {
	Algorithm algorithm;
	std::optional<std::string> key_id; // kid
	std::string type;				   // typ, in lower case; empty where there is none
	json::Document claims;			   // an object
	std::string signed_text;
	std::string signature;
};

// Nothing, and why, where the text is no token of a believed algorithm, has a member twice, asks
// for an extension (crit), or has more than 8 KiB. The header's own keys and addresses of keys
// (jwk, jku, x5c, x5u) are never looked at.
std::optional<Token> parse_token(std::string_view text, std::string *why);

} // namespace tokpay::jose
