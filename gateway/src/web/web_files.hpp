// The built web app: its files, read once and kept in memory with their compressed forms.
#pragma once

#include "web/pages.hpp"

#include <array>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace tokpay {

// Content codings (RFC 9110, section 8.4.1), the smallest first.
enum class Coding : size_t { brotli, gzip, identity };
constexpr size_t coding_count = 3;

// The coding that Accept-Encoding likes best of those that are offered (RFC 9110, section 12.5.3);
// identity, which is always offered, where it takes none.
Coding best_coding(
	std::string_view accept_encoding, const std::array<bool, coding_count> &is_offered);

struct WebFile {
	struct Form {
		std::string body;
		std::string etag;
	};
	const char *content_type = nullptr;
	const char *cache_control = nullptr;
	std::array<std::optional<Form>, coding_count> forms; // identity is there

	// The form for a client that accepts these codings, and which one it is.
	std::pair<Coding, const Form &> form(std::string_view accept_encoding) const;
};

class WebFiles {
public:
	// Of a directory with index.html and what that needs; NAME.br and NAME.gz are forms of NAME.
	// Throws SettingError.
	explicit WebFiles(const std::filesystem::path &directory);

	// The file at the path of a URL, as /assets/index-1a2b3c.js; none for the page itself.
	const WebFile *find(std::string_view path) const;

	const PageTemplate &page() const { return *page_; }

private:
	std::map<std::string, WebFile, std::less<>> files_;
	std::optional<PageTemplate> page_;
};

} // namespace tokpay
