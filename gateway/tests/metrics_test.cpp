// What Prometheus is told.
#include "process/metrics.hpp"

#include "api/openapi.hpp"
#include "text/json_reader.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace tokpay {

namespace {

using namespace std::chrono_literals;

TEST(StatusTest, EveryStatusOfTheDescriptionHasSeriesOfItsOwn) {
	std::string why;
	const auto document = json::Document::parse(openapi_document(), &why);
	ASSERT_TRUE(document) << why;
	size_t seen = 0;
	document->for_each(*document->member(0, "paths"), [&](uint32_t path) {
		document->for_each(path, [&](uint32_t operation) {
			document->for_each(*document->member(operation, "responses"), [&](uint32_t response) {
				const unsigned status = std::stoul(std::string((*document)[response].name));
				ASSERT_LT(status_index(status), counted_statuses.size()) << status;
				EXPECT_EQ(counted_statuses[status_index(status)], status);
				seen++;
			});
		});
	});
	EXPECT_GT(seen, 100u);
	for (const unsigned status : {0, 99, 299, 599, 600, 1000000})
		EXPECT_EQ(status_index(status), counted_statuses.size()) << status;
}

class ExpositionTest : public testing::Test {
protected:
	ExpositionTest() {
		one.lanes = {{"read", &lane_one}};
		two.lanes = {{"read", &lane_two}};
	}

	std::string text() const {
		return exposition({&one, &two}, {"GET /a", "none"}, leadership, is_ready);
	}

	bool has(const std::string &line) const {
		return ('\n' + text()).find('\n' + line + '\n') != std::string::npos;
	}

	LaneCounters lane_one;
	LaneCounters lane_two;
	Metrics one;
	Metrics two;
	bool is_ready = false;
	Leadership::Figures leadership{.members = {"one:6432", "a\"\\b:1"}};
};

TEST_F(ExpositionTest, AddsUpTheWorkers) {
	const std::string name = "tokpay_http_request_duration_seconds";
	one.durations[0][status_index(200)].observe(64us);
	two.durations[0][status_index(200)].observe(65us);
	two.durations[0][status_index(200)].observe(100s);
	two.durations[1][status_index(404)].observe(0s);
	two.durations[1][status_index(999)].observe(0s);
	const std::string labels = "{route=\"GET /a\",code=\"200\"";
	EXPECT_TRUE(has(name + "_bucket" + labels + ",le=\"0.000064\"} 1"));
	EXPECT_TRUE(has(name + "_bucket" + labels + ",le=\"0.000128\"} 2"));
	EXPECT_TRUE(has(name + "_bucket" + labels + ",le=\"1.048576\"} 2"));
	EXPECT_TRUE(has(name + "_bucket" + labels + ",le=\"67.108864\"} 2"));
	EXPECT_TRUE(has(name + "_bucket" + labels + ",le=\"+Inf\"} 3"));
	EXPECT_TRUE(has(name + "_sum" + labels + "} 100.000129"));
	EXPECT_TRUE(has(name + "_count" + labels + "} 3"));
	EXPECT_TRUE(has(name + "_count{route=\"none\",code=\"404\"} 1"));
	EXPECT_TRUE(has(name + "_count{route=\"none\",code=\"other\"} 1"));
	EXPECT_TRUE(has("tokpay_http_responses_total{route=\"GET /a\",status=\"2xx\"} 3"));
	EXPECT_EQ(text().find("code=\"201\""), std::string::npos);
}

TEST_F(ExpositionTest, ErrorsAreThereBeforeTheFirst) {
	one.durations[1][status_index(404)].observe(1s);
	EXPECT_TRUE(has("tokpay_http_responses_total{route=\"none\",status=\"5xx\"} 0"));
	EXPECT_TRUE(has("tokpay_outcomes_unknown_total 0"));
	one.durations[0][status_index(504)].observe(1s);
	two.durations[1][status_index(504)].observe(1s);
	EXPECT_TRUE(has("tokpay_http_responses_total{route=\"none\",status=\"5xx\"} 1"));
	EXPECT_TRUE(has("tokpay_outcomes_unknown_total 2"));
}

TEST_F(ExpositionTest, TellsWhetherItIsReady) {
	EXPECT_TRUE(has("tokpay_ready 0"));
	is_ready = true;
	EXPECT_TRUE(has("tokpay_ready 1"));
}

TEST_F(ExpositionTest, TellsOfLanes) {
	lane_one.batch_sizes.observe(3);
	lane_two.batch_sizes.observe(1);
	lane_two.call_durations.observe(2ms);
	lane_two.depth.set(5);
	EXPECT_TRUE(has("tokpay_lane_calls_total{lane=\"read\"} 2"));
	EXPECT_TRUE(has("tokpay_lane_requests_total{lane=\"read\"} 4"));
	EXPECT_TRUE(has("tokpay_lane_depth{lane=\"read\"} 5"));
	EXPECT_TRUE(has("tokpay_lane_batch_size_bucket{lane=\"read\",le=\"1\"} 1"));
	EXPECT_TRUE(has("tokpay_lane_batch_size_bucket{lane=\"read\",le=\"2\"} 1"));
	EXPECT_TRUE(has("tokpay_lane_batch_size_bucket{lane=\"read\",le=\"4\"} 2"));
	EXPECT_TRUE(has("tokpay_lane_batch_size_sum{lane=\"read\"} 4"));
	EXPECT_TRUE(has("tokpay_lane_call_duration_seconds_sum{lane=\"read\"} 0.002"));
	EXPECT_TRUE(has("tokpay_lane_call_duration_seconds_count{lane=\"read\"} 1"));
}

TEST_F(ExpositionTest, TellsOfTheLeader) {
	EXPECT_TRUE(has("tokpay_leader{member=\"one:6432\"} 0"));
	EXPECT_TRUE(has("tokpay_leader{member=\"a\\\"\\\\b:1\"} 0"));
	EXPECT_TRUE(has("tokpay_failovers_total 0"));
	EXPECT_EQ(text().find("tokpay_epoch"), std::string::npos);
	EXPECT_EQ(text().find("tokpay_replication_lag_bytes"), std::string::npos);
	leadership.state = {.leading = 0, .epoch = Epoch{1, 2, 3}};
	leadership.failovers = 4;
	leadership.lag_bytes = 5;
	EXPECT_TRUE(has("tokpay_leader{member=\"one:6432\"} 1"));
	EXPECT_TRUE(has("tokpay_leader{member=\"a\\\"\\\\b:1\"} 0"));
	EXPECT_TRUE(has("tokpay_epoch{part=\"incarnation\"} 1"));
	EXPECT_TRUE(has("tokpay_epoch{part=\"timeline\"} 2"));
	EXPECT_TRUE(has("tokpay_epoch{part=\"counter\"} 3"));
	EXPECT_TRUE(has("tokpay_failovers_total 4"));
	EXPECT_TRUE(has("tokpay_replication_lag_bytes 5"));
}

TEST_F(ExpositionTest, TellsOfTheProcessAndItsLog) {
	one.left_out_lines.add(2);
	EXPECT_TRUE(has("tokpay_log_dropped_lines_total{reason=\"flood\"} 2"));
	EXPECT_TRUE(has("tokpay_log_dropped_lines_total{reason=\"full\"} 0"));
	EXPECT_TRUE(has("tokpay_build_info{version=\"" + std::string(api_version()) + "\"} 1"));
	EXPECT_FALSE(api_version().empty());
}

} // namespace

} // namespace tokpay
