// Reading balances, and an answer that nothing has to be read for.
#include "load.hpp"
#include "text.hpp"

#include <stdexcept>

namespace tokpay::bench {

namespace {

class StaticLoad : public Load {
public:
	explicit StaticLoad(const Options &options) {
		layout = "GET " + options.path + " HTTP/1.1\r\n" + host_header + "\r\n";
		status = static_cast<unsigned>(options.status);
	}

	void encode(Random &, char *) const override {}

	void check(const char *, std::string_view body) const override {
		if (body.empty())
			throw std::runtime_error("a static answer is empty");
	}
};

class BalanceLoad : public Load {
public:
	explicit BalanceLoad(const Options &options) : options_(options), width_(id_width(options)) {
		layout = "GET /v1/accounts/";
		account_ = append_gap(layout, width_);
		layout += "/balance HTTP/1.1\r\n" + headers(options) + "\r\n";
	}

	void encode(Random &random, char *request) const override {
		put_number(request + account_, width_, random_account(options_, random));
	}

	void check(const char *request, std::string_view body) const override {
		Scan scan(body);
		scan.take(R"({"account":")");
		scan.take({request + account_, width_});
		scan.past(R"(","balance":)");
		scan.take_integer();
	}

private:
	Options options_;
	size_t width_;
	size_t account_;
};

class BalancesLoad : public Load {
public:
	explicit BalancesLoad(const Options &options) : options_(options), width_(id_width(options)) {
		std::string body = R"({"accounts":[)";
		const size_t first = body.size() + 1;
		for (int64_t i = 0; i < options.batch; i++) {
			body += i == 0 ? "\"" : ",\"";
			append_gap(body, width_);
			body += '"';
		}
		body += "]}";
		layout = post("/v1/balances:query", headers(options), body);
		accounts_ = layout.size() - body.size() + first;
		units_per_call = options.batch;
	}

	void encode(Random &random, char *request) const override {
		for (int64_t i = 0; i < options_.batch; i++)
			put_number(account(request, i), width_, random_account(options_, random));
	}

	void check(const char *request, std::string_view body) const override {
		Scan scan(body);
		scan.take(R"({"balances":[)");
		for (int64_t i = 0; i < options_.batch; i++) {
			scan.past(R"({"account":")");
			scan.take({account(request, i), width_});
			scan.past(R"("balance":)");
			scan.take_integer();
		}
		scan.past("}]}");
	}

private:
	template<class Char> Char *account(Char *request, int64_t i) const {
		return request + accounts_ + static_cast<size_t>(i) * (width_ + 3); // "…",
	}

	Options options_;
	size_t width_;
	size_t accounts_; // where the first id begins
};

} // namespace

std::unique_ptr<Load> make_read_load(const std::string &name, const Options &options) {
	if (name == "static")
		return std::make_unique<StaticLoad>(options);
	if (name == "balance")
		return std::make_unique<BalanceLoad>(options);
	if (name == "balances")
		return std::make_unique<BalancesLoad>(options);
	return nullptr;
}

} // namespace tokpay::bench
