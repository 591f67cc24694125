// The two requests that come most often, without a coroutine. What is not plain about them is left
// to their handlers, whose answers these equal.
#include "api/handlers.hpp"

#include "api/body_reader.hpp"
#include "api/execution.hpp"

namespace tokpay {

namespace {

Response response_of(Result<Response> result) {
	return result ? std::move(*result) : to_response(result.error());
}

TransferWork work_of(TransferRequest transfer) {
	TransferWork work;
	work.transfers.push_back(std::move(transfer));
	return work;
}

class BalanceAnswer final : public PendingAnswer {
public:
	explicit BalanceAnswer(const Exchange &exchange)
		: worker_(exchange.worker), ticket_(std::make_shared<BalanceCall::LaneType::TicketType>(
										BalanceRequest{{exchange.id}, exchange.caller->principal})),
		  was_taken_(worker_.reads.submit(ticket_, exchange.deadline, [this] { finish(); })) {
		if (!was_taken_)
			finish();
	}
	~BalanceAnswer() override {
		if (was_taken_ && !ready())
			worker_.reads.abandon(ticket_);
	}
	BalanceAnswer(const BalanceAnswer &) = delete;
	BalanceAnswer &operator=(const BalanceAnswer &) = delete;

	const Response &response() override {
		Settled settled =
			was_taken_ ? worker_.reads.outcome(*ticket_) : worker_.reads.not_executed();
		if (settled == Settled::unknown) // a read has no outcome
			settled = worker_.reads.not_executed();
		response_ = settled == Settled::answered ? balance_response(ticket_->reply.front())
												 : to_response(unsettled(settled, *ticket_));
		response_.epoch = ticket_->epoch;
		return response_;
	}

private:
	Worker &worker_;
	std::shared_ptr<BalanceCall::LaneType::TicketType> ticket_;
	bool was_taken_;
	Response response_;
};

class TransferAnswer final : public PendingAnswer {
public:
	TransferAnswer(const Exchange &exchange, TransferRequest transfer)
		: worker_(exchange.worker),
		  lane_(exchange.caller->fund ? worker_.funded_transfers : worker_.transfers),
		  ticket_(
			  std::make_shared<TransferCall::LaneType::TicketType>(work_of(std::move(transfer)))),
		  was_taken_(lane_.submit(ticket_, exchange.deadline, [this] { finish(); })) {
		if (!was_taken_)
			finish();
	}
	~TransferAnswer() override {
		if (was_taken_ && !ready())
			lane_.abandon(ticket_);
	}
	TransferAnswer(const TransferAnswer &) = delete;
	TransferAnswer &operator=(const TransferAnswer &) = delete;

	const Response &response() override {
		const Settled settled = was_taken_ ? lane_.outcome(*ticket_) : lane_.not_executed();
		if (settled == Settled::answered)
			response_ = response_of(
				answer_to(worker_, ticket_->request.transfers.front(), ticket_->reply.front()));
		else
			response_ = to_response(unsettled(settled, *ticket_));
		response_.epoch = ticket_->epoch;
		return response_;
	}

private:
	Worker &worker_;
	LaneRunner<TransferCall> &lane_;
	std::shared_ptr<TransferCall::LaneType::TicketType> ticket_;
	bool was_taken_;
	Response response_;
};

} // namespace

std::unique_ptr<PendingAnswer> start_get_balance(Exchange &exchange) {
	if (exchange.id == 0 || exchange.request.header("If-None-Match"))
		return nullptr;
	return std::make_unique<BalanceAnswer>(exchange);
}

std::unique_ptr<PendingAnswer> start_post_transfer(Exchange &exchange) {
	auto key = idempotency_key(exchange.request);
	if (!key)
		return nullptr;
	auto transfer = read_transfer_body(exchange.request.body);
	if (!transfer)
		return nullptr;
	transfer->key = std::move(*key);
	transfer->principal = exchange.caller->principal;
	return std::make_unique<TransferAnswer>(exchange, std::move(*transfer));
}

} // namespace tokpay
