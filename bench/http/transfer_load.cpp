// Moving money.
#include "load.hpp"
#include "text.hpp"

namespace tokpay::bench {

namespace {

constexpr size_t amount_width = 2;

// "debit":"…","credits":[{"account":"…","amount":…}], the members of one transfer.
class Members {
public:
	explicit Members(const Options &options)
		: pattern_(options.pattern, options), width_(id_width(options)) {}

	// The layout; every transfer of a request has the same one.
	std::string lay_out() {
		std::string out = R"("debit":")";
		debit_ = append_gap(out, width_);
		out += R"(","credits":[{"account":")";
		credit_ = append_gap(out, width_);
		out += R"(","amount":)";
		amount_ = append_gap(out, amount_width);
		return out += "}]";
	}

	// Overwrites the numbers of the layout that begins here.
	void encode(Random &random, char *members) const {
		const Payment payment = pattern_.choose(random);
		put_number(members + debit_, width_, payment.debit);
		put_number(members + credit_, width_, payment.credit);
		put_number(members + amount_, amount_width, payment.amount);
	}

private:
	Pattern pattern_;
	size_t width_;
	size_t debit_ = 0;
	size_t credit_ = 0;
	size_t amount_ = 0;
};

// A posted transfer, and with this key: what a replay or somebody else's answer would not be.
void check_posted(Scan &scan, std::string_view key) {
	scan.past(R"("kind":"transfer","status":"posted")");
	scan.past(R"("key":")");
	scan.take(key);
	scan.take(R"(","debit":{)");
}

class TransferLoad : public Load {
public:
	explicit TransferLoad(const Options &options) : members_(options) {
		std::string head = headers(options) + "Idempotency-Key: ";
		const size_t key = append_gap(head, Random::uuid_size);
		const std::string body = '{' + members_.lay_out() + '}';
		layout = post("/v1/transfers", head + "\r\n", body);
		key_ = layout.find(head) + key;
		members_at_ = layout.size() - body.size() + 1;
		status = 201;
	}

	void encode(Random &random, char *request) const override {
		random.uuid(request + key_);
		members_.encode(random, request + members_at_);
	}

	void check(const char *request, std::string_view body) const override {
		Scan scan(body);
		check_posted(scan, {request + key_, Random::uuid_size});
	}

private:
	Members members_;
	size_t key_;
	size_t members_at_;
};

// All transfers of a request are of the same layout, one stride apart.
class BatchLoad : public Load {
public:
	explicit BatchLoad(const Options &options) : members_(options) {
		std::string transfer = R"({"key":")";
		key_ = append_gap(transfer, Random::uuid_size);
		transfer += "\",";
		members_at_ = transfer.size();
		transfer += members_.lay_out() + '}';
		std::string body = R"({"transfers":[)";
		const size_t first = body.size();
		for (int64_t i = 0; i < options.batch; i++)
			body += transfer + (i + 1 < options.batch ? "," : "]}");
		layout = post("/v1/transfers:batch", headers(options), body);
		first_ = layout.size() - body.size() + first;
		stride_ = transfer.size() + 1;
		units_per_call = options.batch;
	}

	void encode(Random &random, char *request) const override {
		char *transfer = request + first_;
		for (int64_t i = 0; i < units_per_call; i++, transfer += stride_) {
			random.uuid(transfer + key_);
			members_.encode(random, transfer + members_at_);
		}
	}

	void check(const char *request, std::string_view body) const override {
		Scan scan(body);
		scan.take(R"({"results":[)");
		const char *transfer = request + first_;
		for (int64_t i = 0; i < units_per_call; i++, transfer += stride_) {
			scan.past(R"({"code":)");
			scan.take(R"("ok","replayed":false)");
			check_posted(scan, {transfer + key_, Random::uuid_size});
		}
		scan.past("}]}");
	}

private:
	Members members_;
	size_t first_;
	size_t stride_;
	size_t key_;
	size_t members_at_;
};

} // namespace

std::unique_ptr<Load> make_transfer_load(const std::string &name, const Options &options) {
	if (name == "transfer")
		return std::make_unique<TransferLoad>(options);
	if (name == "batch")
		return std::make_unique<BatchLoad>(options);
	return nullptr;
}

} // namespace tokpay::bench
