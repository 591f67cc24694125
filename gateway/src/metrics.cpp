#include "metrics.hpp"

namespace tokpay {

namespace {

using Workers = std::vector<const Metrics *>;

// The sum of what get(metrics) names in every worker.
template<class Get> uint64_t sum(const Workers &workers, Get get) {
	uint64_t total = 0;
	for (const Metrics *metrics : workers)
		total += get(*metrics).get();
	return total;
}

void head(std::string &out, const char *name, const char *type, const char *help) {
	out += std::string("# HELP ") + name + ' ' + help + "\n# TYPE " + name + ' ' + type + '\n';
}

void line(std::string &out, const char *name, const std::string &labels, const std::string &value) {
	out += name + labels + ' ' + value + '\n';
}

uint64_t lane_sum(const Workers &workers, size_t lane, Counter LaneCounters::*counter) {
	return sum(workers,
		[&](const Metrics &m) -> const Counter & { return m.lanes[lane].counters->*counter; });
}

std::string lane_label(const Workers &workers, size_t lane) {
	return std::string("{lane=\"") + workers[0]->lanes[lane].name + "\"}";
}

void lane_family(std::string &out, const Workers &workers, const char *name, const char *type,
	const char *help, Counter LaneCounters::*counter) {
	head(out, name, type, help);
	for (size_t lane = 0; lane < workers[0]->lanes.size(); lane++)
		line(
			out, name, lane_label(workers, lane), std::to_string(lane_sum(workers, lane, counter)));
}

void response_family(
	std::string &out, const Workers &workers, const std::vector<const char *> &route_names) {
	const char *name = "tokpay_http_responses_total";
	head(out, name, "counter", "Responses by route and class of status.");
	for (size_t route = 0; route < route_names.size(); route++)
		for (size_t hundred = 2; hundred < 6; hundred++) {
			const uint64_t count = sum(workers,
				[&](const Metrics &m) -> const Counter & { return m.responses[route][hundred]; });
			if (count > 0)
				line(out, name,
					std::string("{route=\"") + route_names[route] + "\",status=\"" +
						std::to_string(hundred) + "xx\"}",
					std::to_string(count));
		}
}

void mean_batch_family(std::string &out, const Workers &workers) {
	const char *name = "tokpay_lane_mean_batch_size";
	head(out, name, "gauge", "Mean number of requests in a call since the start.");
	for (size_t lane = 0; lane < workers[0]->lanes.size(); lane++) {
		const uint64_t calls = lane_sum(workers, lane, &LaneCounters::calls);
		const uint64_t requests = lane_sum(workers, lane, &LaneCounters::batch_sum);
		const double mean =
			calls == 0 ? 0 : static_cast<double>(requests) / static_cast<double>(calls);
		line(out, name, lane_label(workers, lane), std::to_string(mean));
	}
}

} // namespace

std::string exposition(const Workers &workers, const std::vector<const char *> &route_names) {
	std::string out;
	response_family(out, workers, route_names);
	head(out, "tokpay_http_connections", "gauge", "Open client connections.");
	line(out, "tokpay_http_connections", "",
		std::to_string(
			sum(workers, [](const Metrics &m) -> const Counter & { return m.connections; })));
	head(out, "tokpay_idempotency_replays_total", "counter", "Requests answered by their key.");
	line(out, "tokpay_idempotency_replays_total", "",
		std::to_string(
			sum(workers, [](const Metrics &m) -> const Counter & { return m.replays; })));
	lane_family(out, workers, "tokpay_lane_calls_total", "counter", "Calls to the database.",
		&LaneCounters::calls);
	lane_family(out, workers, "tokpay_lane_requests_total", "counter",
		"Requests carried by those calls.", &LaneCounters::batch_sum);
	lane_family(out, workers, "tokpay_lane_shed_total", "counter",
		"Requests refused because the queue was full.", &LaneCounters::shed);
	lane_family(out, workers, "tokpay_lane_retried_total", "counter",
		"Requests sent again after a lost connection.", &LaneCounters::retried);
	lane_family(
		out, workers, "tokpay_lane_depth", "gauge", "Requests that wait.", &LaneCounters::depth);
	mean_batch_family(out, workers);
	return out;
}

} // namespace tokpay
