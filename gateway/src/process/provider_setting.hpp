// The setting that names a provider to sign in with.
#pragma once

#include "process/config.hpp"

namespace tokpay {

// NAME KEY=VALUE..., a value with spaces in double quotes; the secret is read from its file.
// Nothing, and why, where it is not right.
std::optional<ProviderConfig> read_provider(const std::string &line, std::string *why);

// Whether the provider is authoritative for an e-mail address: its domain is among those.
bool is_authoritative(const ProviderConfig &provider, std::string_view email);

} // namespace tokpay
