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

	// Somebody's text: quoted, and with an apostrophe where a spreadsheet would find a formula: in
	// front, and where a cell begins for one that separates them by semicolons or tabs, to which
	// our quotes mean nothing.
	void text(std::string_view value) {
		separate();
		out_.push_back('"');
		if (!value.empty() && is_any_of(value[0], "\t\r\n"))
			out_.push_back('\'');
		bool cell_begins = true;
		for (size_t i = 0; i < value.size(); i++) {
			if (cell_begins && begins_formula(value.substr(i)))
				out_.push_back('\'');
			if (value[i] == '"')
				out_.push_back('"');
			out_.push_back(value[i]);
			// A pair of quotes at the beginning of a cell is not in the cell.
			cell_begins = is_any_of(value[i], ";\t\r\n") || (cell_begins && value[i] == '"');
		}
		out_.push_back('"');
	}

	void end() { out_.append("\r\n"); }

private:
	static bool is_any_of(char c, std::string_view characters) {
		return characters.find(c) != std::string_view::npos;
	}

	// The signs in full width, too, as East Asian spreadsheets take them.
	static bool begins_formula(std::string_view text) {
		return is_any_of(text[0], "=+-@") || text.starts_with("＝") || text.starts_with("＋") ||
			   text.starts_with("－") || text.starts_with("＠");
	}

	void separate() {
		if (!first_)
			out_.push_back(',');
		first_ = false;
	}

	std::string &out_;
	bool first_ = true;
};

} // namespace tokpay
