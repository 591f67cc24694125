#include "web/pages.hpp"

#include "text/json_writer.hpp"

#include <boost/algorithm/string/replace.hpp>

#include <algorithm>
#include <utility>

namespace tokpay {

namespace {

constexpr std::string_view attributes = R"(lang="en" dir="ltr" data-theme="system")";
constexpr std::string_view data_marker = "<!--data-->";
// The languages that are written from the right, of those that people choose on the web.
constexpr std::string_view from_the_right[] = {
	"ar", "ckb", "dv", "fa", "he", "ks", "ku", "ps", "sd", "syr", "ug", "ur", "yi"};

bool is_plain(std::string_view text) {
	return !text.empty() && std::ranges::all_of(text, [](char c) {
		return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
			   c == '-';
	});
}

std::string_view direction(std::string_view locale) {
	const std::string_view language = locale.substr(0, locale.find('-'));
	return std::ranges::find(from_the_right, language) == std::end(from_the_right) ? "ltr" : "rtl";
}

// The texts around a marker; nothing where it is missing or comes twice.
std::optional<std::pair<std::string_view, std::string_view>> split_once(
	std::string_view text, std::string_view marker) {
	const size_t at = text.find(marker);
	if (at == std::string_view::npos || text.find(marker, at + 1) != std::string_view::npos)
		return std::nullopt;
	return std::pair(text.substr(0, at), text.substr(at + marker.size()));
}

} // namespace

// In JSON all of these stand in strings only. U+2028 and U+2029 were no part of a JavaScript string
// before ES2019.
std::string page_data(std::span<const PageEntry> entries) {
	std::string json;
	json::Writer out(json);
	out.begin_object();
	for (const PageEntry &entry : entries)
		out.member(entry.url, json::Raw{entry.body});
	out.end_object();
	boost::replace_all(json, "<", "\\u003c");
	boost::replace_all(json, "\u2028", "\\u2028");
	boost::replace_all(json, "\u2029", "\\u2029");
	return json;
}

std::optional<PageTemplate> PageTemplate::parse(std::string_view html) {
	const auto around_attributes = split_once(html, attributes);
	if (!around_attributes)
		return std::nullopt;
	const auto around_data = split_once(around_attributes->second, data_marker);
	if (!around_data)
		return std::nullopt;
	PageTemplate page;
	page.before_attributes_ = around_attributes->first;
	page.before_data_ = around_data->first;
	page.rest_ = around_data->second;
	return page;
}

std::string PageTemplate::fill(const PageLook &look, std::span<const PageEntry> entries) const {
	std::string html = before_attributes_;
	if (is_plain(look.locale) && is_plain(look.theme))
		html.append("lang=\"")
			.append(look.locale)
			.append("\" dir=\"")
			.append(direction(look.locale))
			.append("\" data-theme=\"")
			.append(look.theme)
			.append("\"");
	else
		html.append(attributes);
	html.append(before_data_);
	html.append("<script type=\"application/json\" id=\"data\">").append(page_data(entries));
	return html.append("</script>").append(rest_);
}

} // namespace tokpay
