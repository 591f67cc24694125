#include "process/metrics.hpp"

#include "api/openapi.hpp"
#include "process/log.hpp"

#include <chrono>
#include <cstdio>
#include <type_traits>

namespace tokpay {

namespace {

using Workers = std::vector<const Metrics *>;

const auto process_start = std::chrono::system_clock::now();

// The sum of what get(metrics) is in every worker.
template<class Get> uint64_t sum(const Workers &workers, Get get) {
	uint64_t total = 0;
	for (const Metrics *metrics : workers)
		total += get(*metrics);
	return total;
}

void head(std::string &out, const char *name, const char *type, const char *help) {
	out += std::string("# HELP ") + name + ' ' + help + "\n# TYPE " + name + ' ' + type + '\n';
}

// labels: NAME="VALUE" with commas between, or nothing.
void line(std::string &out, const std::string &name, const std::string &labels,
	const std::string &value) {
	out += name + (labels.empty() ? "" : '{' + labels + '}') + ' ' + value + '\n';
}

void single(
	std::string &out, const char *name, const char *type, const char *help, uint64_t value) {
	head(out, name, type, help);
	line(out, name, "", std::to_string(value));
}

// Nanoseconds as seconds, exactly.
std::string seconds(uint64_t nanoseconds) {
	constexpr uint64_t in_a_second = 1000000000;
	char text[48];
	std::snprintf(text, sizeof text, "%llu.%09llu",
		static_cast<unsigned long long>(nanoseconds / in_a_second),
		static_cast<unsigned long long>(nanoseconds % in_a_second));
	std::string number(text);
	number.erase(number.find_last_not_of('0') + 1);
	if (number.ends_with('.'))
		number.pop_back();
	return number;
}

std::string plain(uint64_t number) {
	return std::to_string(number);
}

std::string with_bound(const std::string &labels, const std::string &bound) {
	return labels + ",le=\"" + bound + '"';
}

// The series of one histogram: get(metrics) is a worker's. The buckets are read once and the count
// made of them, so that they agree while others count on.
template<class Get>
void histogram(std::string &out, const std::string &name, const std::string &labels,
	const Workers &workers, Get get, std::string (*text)(uint64_t)) {
	using Kind = std::remove_cvref_t<decltype(get(*workers[0]))>;
	uint64_t count = 0;
	for (size_t bucket = 0; bucket <= Kind::bounds; bucket++) {
		count += sum(workers, [&](const Metrics &m) { return get(m).count(bucket); });
		const std::string bound = bucket < Kind::bounds ? text(Kind::bound(bucket)) : "+Inf";
		line(out, name + "_bucket", with_bound(labels, bound), std::to_string(count));
	}
	line(out, name + "_sum", labels,
		text(sum(workers, [&](const Metrics &m) { return get(m).sum(); })));
	line(out, name + "_count", labels, std::to_string(count));
}

// Requests

uint64_t requests(const Workers &workers, size_t route, size_t status) {
	return sum(workers, [&](const Metrics &m) { return m.durations[route][status].count(); });
}

std::string route_label(const char *name) {
	return std::string("route=\"") + name + '"';
}

void response_family(
	std::string &out, const Workers &workers, const std::vector<const char *> &route_names) {
	const char *name = "tokpay_http_responses_total";
	head(out, name, "counter", "Responses by route and class of status.");
	for (size_t route = 0; route < route_names.size(); route++) {
		std::array<uint64_t, 4> counts{}; // of 2xx to 5xx
		for (size_t status = 0; status < counted_statuses.size(); status++)
			counts[counted_statuses[status] / 100 - 2] += requests(workers, route, status);
		if (counts == decltype(counts){})
			continue;
		// All, so that the first error is an increase.
		for (size_t i = 0; i < counts.size(); i++)
			line(out, name,
				route_label(route_names[route]) + ",status=\"" + std::to_string(i + 2) + "xx\"",
				std::to_string(counts[i]));
	}
	constexpr size_t unknown = status_index(504);
	uint64_t outcomes_unknown = 0;
	for (size_t route = 0; route < route_names.size(); route++)
		outcomes_unknown += requests(workers, route, unknown);
	single(out, "tokpay_outcomes_unknown_total", "counter", "Responses 504.", outcomes_unknown);
}

void duration_family(
	std::string &out, const Workers &workers, const std::vector<const char *> &route_names) {
	const char *name = "tokpay_http_request_duration_seconds";
	head(out, name, "histogram",
		"From a request's last byte to the first of its answer, by route and status.");
	for (size_t route = 0; route < route_names.size(); route++)
		for (size_t status = 0; status <= counted_statuses.size(); status++) {
			if (requests(workers, route, status) == 0)
				continue;
			const std::string code = status < counted_statuses.size()
										 ? std::to_string(counted_statuses[status])
										 : "other";
			histogram(
				out, name, route_label(route_names[route]) + ",code=\"" + code + '"',
				workers, [&](const Metrics &m) -> auto & { return m.durations[route][status]; },
				seconds);
		}
}

// Lanes

std::string lane_label(const Workers &workers, size_t lane) {
	return std::string("lane=\"") + workers[0]->lanes[lane].name + '"';
}

// A number of each lane: get(counters).
template<class Get>
void lane_family(std::string &out, const Workers &workers, const char *name, const char *type,
	const char *help, Get get) {
	head(out, name, type, help);
	for (size_t lane = 0; lane < workers[0]->lanes.size(); lane++)
		line(out, name, lane_label(workers, lane),
			std::to_string(
				sum(workers, [&](const Metrics &m) { return get(*m.lanes[lane].counters); })));
}

template<class Kind>
void lane_histogram(std::string &out, const Workers &workers, const char *name, const char *help,
	Kind LaneCounters::*member, std::string (*text)(uint64_t)) {
	head(out, name, "histogram", help);
	for (size_t lane = 0; lane < workers[0]->lanes.size(); lane++)
		histogram(
			out, name, lane_label(workers, lane),
			workers, [&](const Metrics &m) -> auto & { return m.lanes[lane].counters->*member; },
			text);
}

void lane_families(std::string &out, const Workers &workers) {
	lane_family(out, workers, "tokpay_lane_calls_total", "counter", "Calls to the database.",
		[](const LaneCounters &c) { return c.batch_sizes.count(); });
	lane_family(out, workers, "tokpay_lane_requests_total", "counter",
		"Requests carried by those calls.",
		[](const LaneCounters &c) { return c.batch_sizes.sum(); });
	lane_family(out, workers, "tokpay_lane_shed_total", "counter",
		"Requests refused because the queue was full.",
		[](const LaneCounters &c) { return c.shed.get(); });
	lane_family(out, workers, "tokpay_lane_retried_total", "counter",
		"Requests sent again after a lost connection.",
		[](const LaneCounters &c) { return c.retried.get(); });
	lane_family(out, workers, "tokpay_lane_depth", "gauge", "Requests that wait.",
		[](const LaneCounters &c) { return c.depth.get(); });
	lane_histogram(out, workers, "tokpay_lane_batch_size", "Requests in a call.",
		&LaneCounters::batch_sizes, plain);
	lane_histogram(out, workers, "tokpay_lane_call_duration_seconds",
		"From a call's start to its answer, refusal or loss.", &LaneCounters::call_durations,
		seconds);
}

// Backslashes and quotes, which a path of a socket may have.
std::string label_text(const std::string &text) {
	std::string escaped;
	for (const char c : text) {
		if (c == '\\' || c == '"')
			escaped += '\\';
		escaped += c;
	}
	return escaped;
}

void leader_families(std::string &out, const Leadership::Figures &leadership) {
	head(out, "tokpay_leader", "gauge", "1 for the member that is believed to lead.");
	for (size_t i = 0; i < leadership.members.size(); i++)
		line(out, "tokpay_leader", "member=\"" + label_text(leadership.members[i]) + '"',
			leadership.state.leading == i ? "1" : "0");
	if (const auto &epoch = leadership.state.epoch) {
		head(out, "tokpay_epoch", "gauge", "The parts of the latest epoch seen.");
		line(out, "tokpay_epoch", "part=\"incarnation\"", std::to_string(epoch->incarnation));
		line(out, "tokpay_epoch", "part=\"timeline\"", std::to_string(epoch->timeline));
		line(out, "tokpay_epoch", "part=\"counter\"", std::to_string(epoch->counter));
	}
	single(out, "tokpay_failovers_total", "counter",
		"How often another member, or one that was promoted, has become the leader.",
		leadership.failovers);
	if (leadership.lag_bytes) {
		head(out, "tokpay_replication_lag_bytes", "gauge",
			"How far the synchronous standby is behind the leader.");
		line(out, "tokpay_replication_lag_bytes", "", std::to_string(*leadership.lag_bytes));
	}
}

void process_families(std::string &out) {
	using std::chrono::milliseconds;
	head(out, "tokpay_build_info", "gauge", "1, with the version of the program.");
	line(out, "tokpay_build_info", "version=\"" + std::string(api_version()) + '"', "1");
	head(out, "process_start_time_seconds", "gauge", "When the process began, in Unix time.");
	const auto start = std::chrono::floor<milliseconds>(process_start.time_since_epoch());
	line(out, "process_start_time_seconds", "",
		seconds(static_cast<uint64_t>(std::chrono::nanoseconds(start).count())));
}

} // namespace

std::string exposition(const Workers &workers, const std::vector<const char *> &route_names,
	const Leadership::Figures &leadership, bool is_ready) {
	std::string out;
	single(out, "tokpay_ready", "gauge", "1 while /readyz answers 200.", is_ready ? 1 : 0);
	response_family(out, workers, route_names);
	duration_family(out, workers, route_names);
	single(out, "tokpay_http_connections", "gauge", "Open client connections.",
		sum(workers, [](const Metrics &m) { return m.connections.get(); }));
	single(out, "tokpay_http_connections_moved_total", "counter",
		"Times that a connection has gone to the relief, or come back.",
		sum(workers, [](const Metrics &m) { return m.moved_connections.get(); }));
	single(out, "tokpay_idempotency_replays_total", "counter", "Requests answered by their key.",
		sum(workers, [](const Metrics &m) { return m.replays.get(); }));
	lane_families(out, workers);
	leader_families(out, leadership);
	head(out, "tokpay_log_dropped_lines_total", "counter",
		"Lines missing in the log: nobody read it (full), or too many were alike (flood).");
	line(out, "tokpay_log_dropped_lines_total", "reason=\"full\"",
		std::to_string(standard_log().dropped()));
	line(out, "tokpay_log_dropped_lines_total", "reason=\"flood\"",
		std::to_string(sum(workers, [](const Metrics &m) { return m.left_out_lines.get(); })));
	process_families(out);
	return out;
}

} // namespace tokpay
