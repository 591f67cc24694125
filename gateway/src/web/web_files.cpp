#include "web/web_files.hpp"

#include "access/base64url.hpp"
#include "access/digest.hpp"
#include "process/settings.hpp"
#include "text/same_text.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>

namespace tokpay {

namespace fs = std::filesystem;

namespace {

constexpr uintmax_t max_bytes = uintmax_t{64} * 1024 * 1024; // of all files
constexpr int full_weight = 1000;
constexpr const char *octet_stream = "application/octet-stream";

struct ContentType {
	std::string_view extension;
	const char *type;
};
constexpr ContentType content_types[] = {
	{".css", "text/css; charset=utf-8"},
	{".html", "text/html; charset=utf-8"},
	{".ico", "image/vnd.microsoft.icon"},
	{".js", "text/javascript; charset=utf-8"},
	{".json", "application/json"},
	{".map", "application/json"},
	{".png", "image/png"},
	{".svg", "image/svg+xml"},
	{".txt", "text/plain; charset=utf-8"},
	{".webmanifest", "application/manifest+json"},
	{".webp", "image/webp"},
	{".woff2", "font/woff2"},
};

constexpr std::string_view suffixes[] = {".br", ".gz", ""};
constexpr std::string_view coding_names[] = {"br", "gzip", "identity"};

std::string_view trimmed(std::string_view text) {
	constexpr const char *blank = " \t";
	const size_t begin = std::min(text.find_first_not_of(blank), text.size());
	return text.substr(begin, text.find_last_not_of(blank) + 1 - begin);
}

// What stands before a character, and what after it; nothing where it is missing.
std::pair<std::string_view, std::string_view> split(std::string_view text, char at) {
	const size_t end = std::min(text.find(at), text.size());
	return {trimmed(text.substr(0, end)), trimmed(text.substr(std::min(end + 1, text.size())))};
}

// "q=0.5" in thousandths, full_weight for an empty text; nothing for another.
std::optional<int> weight(std::string_view text) {
	if (text.empty())
		return full_weight;
	constexpr size_t longest = 7; // q=0.125
	if (!same_text(text.substr(0, 2), "q=") || text.size() < 3 || text.size() > longest ||
		(text[2] != '0' && text[2] != '1') || (text.size() > 3 && text[3] != '.'))
		return std::nullopt;
	int thousandths = text[2] - '0';
	for (size_t i = 4; i < longest; i++) {
		const char digit = i < text.size() ? text[i] : '0';
		if (digit < '0' || digit > '9')
			return std::nullopt;
		thousandths = thousandths * 10 + (digit - '0');
	}
	return thousandths <= full_weight ? std::optional(thousandths) : std::nullopt;
}

std::string read(const fs::path &path) {
	std::ifstream file(path, std::ios::binary);
	std::string text{std::istreambuf_iterator<char>(file), {}};
	if (!file)
		throw SettingError("web", "cannot read " + path.string());
	return text;
}

WebFile web_file(const fs::path &path, bool is_asset) {
	WebFile file;
	const std::string extension = path.extension().string();
	const auto *const type = std::ranges::find(content_types, extension, &ContentType::extension);
	file.content_type = type == std::end(content_types) ? octet_stream : type->type;
	// The name of an asset has a hash of its content.
	file.cache_control = is_asset ? "public, max-age=31536000, immutable" : "no-cache";
	for (size_t coding = 0; coding < coding_count; coding++) {
		const fs::path form = path.string().append(suffixes[coding]);
		if (!fs::is_regular_file(form))
			continue;
		std::string body = read(form);
		std::string etag = '"' + encode_base64url(octets(sha256(body))) + '"';
		file.forms[coding] = WebFile::Form{std::move(body), std::move(etag)};
	}
	return file;
}

bool is_compressed_form(const fs::path &path) {
	const std::string suffix = path.extension().string();
	return (suffix == ".br" || suffix == ".gz") &&
		   fs::is_regular_file(fs::path(path).replace_extension());
}

} // namespace

Coding best_coding(
	std::string_view accept_encoding, const std::array<bool, coding_count> &is_offered) {
	std::array<std::optional<int>, coding_count> weights;
	std::optional<int> others;
	while (!accept_encoding.empty()) {
		const auto [item, rest] = split(accept_encoding, ',');
		accept_encoding = rest;
		const auto [name, parameter] = split(item, ';');
		const auto liked = weight(parameter);
		if (name == "*")
			others = liked;
		for (size_t coding = 0; coding < coding_count; coding++)
			if (same_text(name, coding_names[coding]))
				weights[coding] = liked;
	}
	// Identity is acceptable where nobody says otherwise, but the last choice.
	auto &identity = weights[static_cast<size_t>(Coding::identity)];
	identity = identity.value_or(others.value_or(1));
	Coding best = Coding::identity;
	int most = 0;
	for (size_t coding = 0; coding < coding_count; coding++) {
		const int liked = weights[coding].value_or(others.value_or(0));
		if (is_offered[coding] && liked > most) {
			best = static_cast<Coding>(coding);
			most = liked;
		}
	}
	return best;
}

std::pair<Coding, const WebFile::Form &> WebFile::form(std::string_view accept_encoding) const {
	std::array<bool, coding_count> is_offered;
	std::ranges::transform(
		forms, is_offered.begin(), [](const auto &offered) { return offered.has_value(); });
	const Coding coding = best_coding(accept_encoding, is_offered);
	return {coding, *forms[static_cast<size_t>(coding)]};
}

WebFiles::WebFiles(const fs::path &directory) {
	uintmax_t bytes = 0;
	try {
		if (!fs::is_directory(directory))
			throw SettingError("web", "there is no directory " + directory.string() +
										  "; make build makes that of the app, build/web");
		for (auto entry = fs::recursive_directory_iterator(directory);
			 entry != fs::recursive_directory_iterator(); ++entry) {
			if (entry->path().filename().string().starts_with('.')) {
				entry.disable_recursion_pending();
				continue;
			}
			if (!entry->is_regular_file())
				continue;
			bytes += entry->file_size();
			if (bytes > max_bytes)
				throw SettingError("web", directory.string() + " has more than " +
											  std::to_string(max_bytes) +
											  " bytes, which is no built app");
			const std::string path = '/' + entry->path().lexically_relative(directory).string();
			if (path != "/index.html" && !is_compressed_form(entry->path()))
				files_[path] = web_file(entry->path(), path.starts_with("/assets/"));
		}
	} catch (const fs::filesystem_error &error) {
		throw SettingError("web", error.what());
	}
	const fs::path index = directory / "index.html";
	const std::string html = read(index);
	page_ = PageTemplate::parse(html);
	if (!page_)
		throw SettingError("web", index.string() + " needs " + std::string(PageTemplate::markers) +
									  ", each once; is this the directory of the built app?");
}

const WebFile *WebFiles::find(std::string_view path) const {
	const auto found = files_.find(path);
	return found == files_.end() ? nullptr : &found->second;
}

} // namespace tokpay
