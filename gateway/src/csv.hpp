// Lines of comma-separated values (RFC 4180), safe to open in a spreadsheet.
#pragma once

#include <string>
#include <string_view>

namespace tokpay {

class CsvLine {
public:
	explicit CsvLine(std::string &out) : out_(out) {}

	// A number, an id, a name of ours: as it is.
	void plain(std::string_view value) {
		separate();
		out_.append(value);
	}

	// Somebody's text: quoted, and with an apostrophe in front where a spreadsheet would take it
	// for a formula.
	void text(std::string_view value) {
		separate();
		out_.push_back('"');
		if (!value.empty() &&
			std::string_view("=+-@\t\r\n").find(value[0]) != std::string_view::npos)
			out_.push_back('\'');
		for (const char c : value) {
			if (c == '"')
				out_.push_back('"');
			out_.push_back(c);
		}
		out_.push_back('"');
	}

	void end() { out_.append("\r\n"); }

private:
	void separate() {
		if (!first_)
			out_.push_back(',');
		first_ = false;
	}

	std::string &out_;
	bool first_ = true;
};

} // namespace tokpay
