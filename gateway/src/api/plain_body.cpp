#include "api/plain_body.hpp"

#include "api/body_reader.hpp"
#include "api/object_reader.hpp"

#include <charconv>

namespace tokpay::plain {

namespace {

// Takes tokens off the front of a JSON text. After the first that is not plain there are no more.
class Scanner {
public:
	explicit Scanner(std::string_view text) : at_(text.data()), end_(at_ + text.size()) {}

	void fail() {
		failed_ = true;
		at_ = end_;
	}

	// Whether the text is over, and all of it was plain.
	bool ended() {
		skip_space();
		return at_ == end_ && !failed_;
	}

	std::string_view text() {
		expect('"');
		const char *const begin = at_;
		while (at_ != end_ && *at_ >= ' ' && *at_ <= '~' && *at_ != '"' && *at_ != '\\')
			at_++;
		const std::string_view text(begin, static_cast<size_t>(at_ - begin));
		if (at_ == end_ || *at_ != '"')
			fail();
		else
			at_++;
		return text;
	}

	// An integer from 0 on.
	int64_t natural() {
		skip_space();
		int64_t value = 0;
		if (at_ == end_ || *at_ < '0' || *at_ > '9')
			fail();
		const auto [end, error] = std::from_chars(at_, end_, value);
		if (error != std::errc() || (*at_ == '0' && end != at_ + 1))
			fail();
		else
			at_ = end;
		return value;
	}

	int64_t positive() {
		const int64_t value = natural();
		if (value == 0)
			fail();
		return value;
	}

	int64_t id() {
		const auto id = parse_id(text());
		if (!id)
			fail();
		return id.value_or(0);
	}

	// Calls member(name) for each member of an object, which takes its value.
	template<class Member> void object(Member member) {
		expect('{');
		do {
			const std::string_view name = text();
			expect(':');
			member(name);
		} while (accept(','));
		expect('}');
	}

	// Calls element() for each element of an array, which takes it.
	template<class Element> void array(Element element) {
		expect('[');
		do
			element();
		while (accept(','));
		expect(']');
	}

private:
	void skip_space() {
		while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t'))
			at_++;
	}

	bool accept(char c) {
		skip_space();
		if (at_ == end_ || *at_ != c)
			return false;
		at_++;
		return true;
	}

	void expect(char c) {
		if (!accept(c))
			fail();
	}

	const char *at_;
	const char *end_;
	bool failed_ = false;
};

// A member that has a value already comes twice, so no member is left without one.
Credit read_credit(Scanner &in) {
	Credit credit{};
	in.object([&](std::string_view name) {
		if (name == "account" && credit.account == 0)
			credit.account = in.id();
		else if (name == "amount" && credit.amount == 0)
			credit.amount = in.positive();
		else
			in.fail();
	});
	if (credit.account == 0 || credit.amount == 0)
		in.fail();
	return credit;
}

void read_credits(Scanner &in, std::vector<Credit> &credits) {
	in.array([&] {
		credits.push_back(read_credit(in));
		if (credits.size() > max_credits_per_transfer)
			in.fail();
	});
}

enum class Members { of_one, of_batch };

TransferRequest read_transfer(Scanner &in, Members members) {
	const bool in_batch = members == Members::of_batch;
	TransferRequest transfer;
	in.object([&](std::string_view name) {
		if (name == "debit" && transfer.debit == 0) {
			transfer.debit = in.id();
		} else if (name == "credits" && transfer.credits.empty()) {
			read_credits(in, transfer.credits);
		} else if (name == "description" && !transfer.description) {
			transfer.description = in.text();
			if (transfer.description->size() > max_description_bytes)
				in.fail();
		} else if (name == "key" && in_batch && transfer.key.empty()) {
			transfer.key = in.text();
			if (transfer.key.empty() || transfer.key.size() > max_batch_key_bytes)
				in.fail();
		} else if (name == "chain" && in_batch && !transfer.chain) {
			const int64_t chain = in.natural();
			if (chain > INT32_MAX)
				in.fail();
			transfer.chain = static_cast<int32_t>(chain);
		} else {
			in.fail();
		}
	});
	if (transfer.debit == 0 || transfer.credits.empty() || (in_batch && transfer.key.empty()))
		in.fail();
	return transfer;
}

// What read() takes off a body, where that is all of it.
template<class Read> auto read_whole(std::string_view body, Read read) {
	Scanner in(body);
	auto value = read(in);
	return in.ended() ? std::optional(std::move(value)) : std::nullopt;
}

} // namespace

std::optional<TransferRequest> read_transfer_body(std::string_view body) {
	return read_whole(body, [](Scanner &in) { return read_transfer(in, Members::of_one); });
}

std::optional<std::vector<TransferRequest>> read_transfer_batch(std::string_view body) {
	return read_whole(body, [](Scanner &in) {
		std::vector<TransferRequest> transfers;
		size_t credits = 0;
		in.object([&](std::string_view name) {
			if (name != "transfers" || !transfers.empty())
				return in.fail();
			in.array([&] {
				transfers.push_back(read_transfer(in, Members::of_batch));
				credits += transfers.back().credits.size();
				if (transfers.size() > max_transfers_per_batch || credits > max_credits_per_batch)
					in.fail();
			});
		});
		return transfers;
	});
}

std::optional<std::vector<int64_t>> read_balances_query(std::string_view body) {
	return read_whole(body, [](Scanner &in) {
		std::vector<int64_t> accounts;
		in.object([&](std::string_view name) {
			if (name != "accounts" || !accounts.empty())
				return in.fail();
			in.array([&] {
				accounts.push_back(in.id());
				if (accounts.size() > max_balances_per_query)
					in.fail();
			});
		});
		return accounts;
	});
}

} // namespace tokpay::plain
