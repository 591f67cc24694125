// The app's HTML page with what the server knows already: the person's language and theme, and
// data that the app would ask for first.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace tokpay {

// The answer to a GET of a URL: JSON.
struct PageEntry {
	std::string url;
	std::string body;
};

// {"URL": BODY, …} as it may stand in a script element of HTML.
std::string page_data(std::span<const PageEntry> entries);

// The attributes of a page's html element, in place of those in its template. Texts that no locale
// or theme can be are left out.
struct PageLook {
	std::string locale = "en"; // BCP 47
	std::string theme = "system";
};

class PageTemplate {
public:
	// What a template has, for people.
	static constexpr std::string_view markers =
		R"(<!--data--> and, before it, lang="en" dir="ltr" data-theme="system")";

	// Nothing where one of the markers is missing or comes twice.
	static std::optional<PageTemplate> parse(std::string_view html);

	std::string fill(const PageLook &look, std::span<const PageEntry> entries) const;

private:
	std::string before_attributes_;
	std::string before_data_;
	std::string rest_;
};

} // namespace tokpay
