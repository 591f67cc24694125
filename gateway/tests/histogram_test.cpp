// Which bucket a value falls into.
#include "process/histogram.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <random>

namespace tokpay {

namespace {

using namespace std::chrono_literals;

using Small = Histogram<2, 5, 10>; // 40, 80, 160, 320

TEST(HistogramTest, ABoundIsTheLargestValueOfItsBucket) {
	for (size_t bucket = 0; bucket < Small::bounds; bucket++) {
		EXPECT_EQ(Small::bucket_of(Small::bound(bucket)), bucket);
		EXPECT_EQ(Small::bucket_of(Small::bound(bucket) + 1), bucket + 1);
	}
	EXPECT_EQ(Small::bounds, 4u);
	EXPECT_EQ(Small::bound(0), 40u);
	EXPECT_EQ(Small::bound(3), 320u);
}

TEST(HistogramTest, TheEndsTakeWhateverThereIs) {
	constexpr uint64_t most = std::numeric_limits<uint64_t>::max();
	for (const uint64_t value : {0, 1, 9, 10, 11, 39})
		EXPECT_EQ(Small::bucket_of(value), 0u) << value;
	for (const uint64_t value : {uint64_t{321}, uint64_t{1} << 63, most - 1, most})
		EXPECT_EQ(Small::bucket_of(value), Small::bounds) << value;
	EXPECT_EQ(SizeHistogram::bucket_of(0), 0u);
	EXPECT_EQ(SizeHistogram::bucket_of(1), 0u);
	EXPECT_EQ(SizeHistogram::bucket_of(2), 1u);
	EXPECT_EQ(SizeHistogram::bucket_of(3), 2u);
	EXPECT_EQ(SizeHistogram::bucket_of(most), SizeHistogram::bounds);
}

TEST(HistogramTest, CountsWhatIsAtMostEachBoundAndAddsUp) {
	std::mt19937_64 random(1);
	Small histogram;
	std::vector<uint64_t> values;
	uint64_t sum = 0;
	for (int i = 0; i < 1000; i++) {
		values.push_back(random() % 400);
		histogram.observe(values.back());
		sum += values.back();
	}
	uint64_t cumulative = 0;
	for (size_t bucket = 0; bucket < Small::bounds; bucket++) {
		cumulative += histogram.count(bucket);
		EXPECT_EQ(cumulative, std::ranges::count_if(values,
								  [&](uint64_t value) { return value <= Small::bound(bucket); }));
	}
	EXPECT_EQ(histogram.count(), 1000u);
	EXPECT_EQ(histogram.sum(), sum);
}

TEST(HistogramTest, DurationsAreInNanosecondsAndReachBeyondEveryDeadline) {
	DurationHistogram histogram;
	histogram.observe(64us);
	EXPECT_EQ(histogram.count(0), 1u);
	histogram.observe(64us + 1ns);
	EXPECT_EQ(histogram.count(1), 1u);
	EXPECT_EQ(histogram.sum(), 128001u);
	EXPECT_LT(DurationHistogram::bucket_of(60'000'000'000), DurationHistogram::bounds);
}

} // namespace

} // namespace tokpay
