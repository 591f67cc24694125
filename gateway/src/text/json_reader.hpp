// JSON texts as a flat list of nodes. Parsing is Boost.JSON's; kept here are what its value type
// loses: the text of numbers, and that a member came twice.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tokpay::json {

enum class Type : uint8_t { null, boolean, integer, number, string, array, object };

// integer: a number written without fraction and exponent that fits an int64. number: any other.
struct Node {
	Type type;
	bool boolean = false;
	int64_t integer = 0;
	std::string_view text; // a string's content, a number's text
	std::string_view name; // of a member
	uint32_t end = 0;	   // index behind the last node inside this one
};

// A parsed text. Nodes stand in the order of the text, node 0 first; the text and the nodes live as
// long as the document.
class Document {
public:
	// Nothing where the text is not one JSON value in UTF-8, is nested more than 32 deep, or has a
	// member twice; why says which.
	static std::optional<Document> parse(std::string_view text, std::string *why);

	const Node &operator[](uint32_t index) const { return nodes_[index]; }

	// Index of an object's member, or none.
	std::optional<uint32_t> member(uint32_t object, std::string_view name) const;

	// Calls visit(index) for every direct child of an array or object, in order.
	template<class Visit> void for_each(uint32_t parent, Visit visit) const {
		for (uint32_t i = parent + 1; i < nodes_[parent].end; i = nodes_[i].end)
			visit(i);
	}

	// The value as JSON text, numbers as they were written.
	void append_text(uint32_t index, std::string *out) const;

private:
	friend struct Handler;
	std::string arena_; // never grows beyond its reservation: texts point into it
	std::vector<Node> nodes_;
};

// Appends a string with quotes, escaped as JSON demands.
void append_string(std::string_view text, std::string *out);

} // namespace tokpay::json
