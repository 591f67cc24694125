#include "text/json_reader.hpp"

#include <boost/json/basic_parser_impl.hpp>

#include <algorithm>
#include <utility>

namespace tokpay::json {

// Receives Boost.JSON's events.
struct Handler {
	static constexpr size_t max_object_size = size_t(-1);
	static constexpr size_t max_array_size = size_t(-1);
	static constexpr size_t max_key_size = size_t(-1);
	static constexpr size_t max_string_size = size_t(-1);

	using error_code = boost::system::error_code;
	using string_view = boost::json::string_view;

	bool on_document_begin(error_code &) { return true; }
	bool on_document_end(error_code &) { return true; }

	bool on_object_begin(error_code &) { return open(Type::object); }
	bool on_object_end(size_t count, error_code &error) {
		const uint32_t object = close();
		if (!has_distinct_members(object, count)) {
			error = boost::json::error::syntax;
			return false;
		}
		return true;
	}
	bool on_array_begin(error_code &) { return open(Type::array); }
	bool on_array_end(size_t, error_code &) {
		close();
		return true;
	}

	bool on_key_part(string_view part, size_t, error_code &) { return add_text(part); }
	bool on_key(string_view part, size_t, error_code &) {
		add_text(part);
		name_ = take_text();
		return true;
	}
	bool on_string_part(string_view part, size_t, error_code &) { return add_text(part); }
	bool on_string(string_view part, size_t, error_code &) {
		add_text(part);
		return leaf({.type = Type::string, .text = take_text()});
	}

	bool on_number_part(string_view part, error_code &) { return add_text(part); }
	bool on_int64(int64_t value, string_view part, error_code &) {
		add_text(part);
		return leaf({.type = Type::integer, .integer = value, .text = take_text()});
	}
	bool on_uint64(uint64_t, string_view part, error_code &) { return big_number(part); }
	bool on_double(double, string_view part, error_code &) { return big_number(part); }

	bool on_bool(bool value, error_code &) {
		return leaf({.type = Type::boolean, .boolean = value});
	}
	bool on_null(error_code &) { return leaf({.type = Type::null}); }
	bool on_comment_part(string_view, error_code &) { return true; }
	bool on_comment(string_view, error_code &) { return true; }

	bool add_text(string_view part) {
		document.arena_.append(part.data(), part.size());
		return true;
	}

	std::string_view take_text() {
		const std::string_view text = std::string_view(document.arena_).substr(text_begin_);
		text_begin_ = document.arena_.size();
		return text;
	}

	bool big_number(string_view part) {
		add_text(part);
		return leaf({.type = Type::number, .text = take_text()});
	}

	bool leaf(Node node) {
		node.name = std::exchange(name_, {});
		document.nodes_.push_back(node);
		document.nodes_.back().end = static_cast<uint32_t>(document.nodes_.size());
		return true;
	}

	bool open(Type type) {
		open_.push_back(static_cast<uint32_t>(document.nodes_.size()));
		return leaf({.type = type});
	}

	uint32_t close() {
		const uint32_t index = open_.back();
		open_.pop_back();
		document.nodes_[index].end = static_cast<uint32_t>(document.nodes_.size());
		return index;
	}

	bool has_distinct_members(uint32_t object, size_t count) {
		std::vector<std::string_view> names;
		names.reserve(count);
		document.for_each(object, [&](uint32_t i) { names.push_back(document[i].name); });
		std::ranges::sort(names);
		const auto repeat = std::ranges::adjacent_find(names);
		if (repeat == names.end())
			return true;
		repeated_member = *repeat;
		return false;
	}

	Document document;
	std::string repeated_member;

private:
	std::vector<uint32_t> open_; // containers around the current node
	std::string_view name_;		 // of the member that comes next
	size_t text_begin_ = 0;
};

std::optional<Document> Document::parse(std::string_view text, std::string *why) {
	boost::json::basic_parser<Handler> parser{boost::json::parse_options{}};
	Handler &handler = parser.handler();
	handler.document.arena_.reserve(text.size() + 32); // on the heap, so that it moves as it is
	boost::system::error_code error;
	const size_t used = parser.write_some(false, text.data(), text.size(), error);
	if (!error && used < text.size())
		error = boost::json::error::extra_data;
	if (!error)
		return std::move(handler.document);
	*why = handler.repeated_member.empty()
			   ? error.message() + " at byte " + std::to_string(used)
			   : "the member \"" + handler.repeated_member + "\" comes twice";
	return std::nullopt;
}

std::optional<uint32_t> Document::member(uint32_t object, std::string_view name) const {
	std::optional<uint32_t> found;
	for_each(object, [&](uint32_t i) {
		if (nodes_[i].name == name)
			found = i;
	});
	return found;
}

void Document::append_text(uint32_t index, std::string *out) const {
	const Node &node = nodes_[index];
	const bool is_object = node.type == Type::object;
	switch (node.type) {
	case Type::null:
		out->append("null");
		break;
	case Type::boolean:
		out->append(node.boolean ? "true" : "false");
		break;
	case Type::integer:
	case Type::number:
		out->append(node.text);
		break;
	case Type::string:
		append_string(node.text, out);
		break;
	case Type::array:
	case Type::object:
		out->push_back(is_object ? '{' : '[');
		for_each(index, [&](uint32_t i) {
			if (i != index + 1)
				out->push_back(',');
			if (is_object) {
				append_string(nodes_[i].name, out);
				out->push_back(':');
			}
			append_text(i, out);
		});
		out->push_back(is_object ? '}' : ']');
	}
}

void append_string(std::string_view text, std::string *out) {
	constexpr char hex[] = "0123456789abcdef";
	out->push_back('"');
	size_t begin = 0; // of what was not appended yet
	for (size_t i = 0; i < text.size(); i++) {
		const char c = text[i];
		const bool is_control = static_cast<unsigned char>(c) < 0x20;
		if (c != '"' && c != '\\' && !is_control)
			continue;
		out->append(text, begin, i - begin);
		begin = i + 1;
		if (is_control) {
			out->append("\\u00");
			out->push_back(hex[c >> 4]);
			out->push_back(hex[c & 15]);
		} else {
			out->push_back('\\');
			out->push_back(c);
		}
	}
	out->append(text, begin);
	out->push_back('"');
}

} // namespace tokpay::json
