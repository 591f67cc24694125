#include "process/provider_setting.hpp"

#include "text/same_text.hpp"

#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>

namespace tokpay {

namespace {

constexpr size_t max_name_length = 32;
constexpr size_t max_issuer_bytes = 200; // the owner of an account holds it and the subject

using Values = std::map<std::string, std::string, std::less<>>;

// The words of a line; double quotes keep spaces together, as in label="My Bank".
std::optional<std::vector<std::string>> words(const std::string &line) {
	std::vector<std::string> found(1);
	bool quoted = false;
	for (const char c : line) {
		if (c == '"')
			quoted = !quoted;
		else if (c == ' ' && !quoted)
			found.emplace_back();
		else
			found.back() += c;
	}
	std::erase(found, "");
	if (quoted || found.empty())
		return std::nullopt;
	return found;
}

bool is_name(std::string_view name) {
	return name.size() <= max_name_length && std::ranges::all_of(name, [](char c) {
		return ('a' <= c && c <= 'z') || ('0' <= c && c <= '9') || c == '-';
	});
}

// The first line of a file; empty where there is none.
std::string first_line(const std::string &path) {
	std::ifstream file(path);
	std::string line;
	std::getline(file, line);
	return line;
}

} // namespace

std::optional<ProviderConfig> read_provider(const std::string &line, std::string *why) {
	const auto no = [&](std::string reason) {
		*why = std::move(reason);
		return std::nullopt;
	};
	const auto parts = words(line);
	if (!parts || !is_name(parts->front()))
		return no("expected NAME KEY=VALUE... with a name of letters a to z, digits and -");
	Values values{{"label", parts->front()}, {"payable-domains", ""}, {"authorities", ""},
		{"backchannel", ""}};
	for (auto part = parts->begin() + 1; part != parts->end(); ++part) {
		const size_t equals = part->find('=');
		const std::string key = part->substr(0, equals);
		constexpr std::string_view keys[] = {"issuer", "client-id", "secret-file", "label",
			"payable-domains", "authorities", "backchannel"};
		if (equals == std::string::npos || std::ranges::find(keys, key) == std::end(keys))
			return no("there is no " + key +
					  "; known are issuer, client-id, secret-file, label, "
					  "payable-domains, authorities and backchannel, each as KEY=VALUE");
		values[key] = part->substr(equals + 1);
	}
	for (const char *needed : {"issuer", "client-id", "secret-file"})
		if (values[needed].empty())
			return no(std::string("it needs ") + needed + "=");
	const auto issuer = parse_web_address(values["issuer"]);
	if (!issuer || values["issuer"].size() > max_issuer_bytes)
		return no("its issuer is no URL, as https://accounts.example.com");
	if (!issuer->tls && !issuer->is_loopback())
		return no("its issuer: plain HTTP is for this machine only; write https://");
	const auto backchannel = parse_web_address(values["backchannel"]);
	if (!values["backchannel"].empty() && (!backchannel || backchannel->target != "/" ||
											  !(backchannel->tls || backchannel->is_loopback())))
		return no("its backchannel is no https URL without a path, as https://id.internal:8443");
	ProviderConfig provider{.name = parts->front(),
		.label = values["label"],
		.issuer = {.rules = {values["issuer"], values["client-id"]},
			.key_set_url = {},
			.trusted_file = values["authorities"],
			.backchannel = backchannel},
		.client_secret = first_line(values["secret-file"]),
		.payable_domains = {}};
	if (provider.client_secret.empty())
		return no("its secret-file " + values["secret-file"] + " cannot be read or is empty");
	std::istringstream domains(values["payable-domains"]);
	for (std::string domain; std::getline(domains, domain, ',');)
		provider.payable_domains.push_back(domain);
	return provider;
}

bool is_authoritative(const ProviderConfig &provider, std::string_view email) {
	const size_t at = email.rfind('@');
	const std::string_view domain = at == std::string_view::npos ? "" : email.substr(at + 1);
	return !domain.empty() &&
		   std::ranges::any_of(provider.payable_domains, [&](std::string_view payable) {
			   return payable == "*" || same_text(payable, domain);
		   });
}

} // namespace tokpay
