// Memory that many take from.
#include "http/memory_budget.hpp"

#include <gtest/gtest.h>

#include <optional>

namespace tokpay {

namespace {

TEST(MemoryBudget, GivesNoMoreThanThereIs) {
	MemoryBudget budget(100);
	MemoryBudget::Share a(budget);
	MemoryBudget::Share b(budget);
	EXPECT_TRUE(a.grow_to(60));
	EXPECT_FALSE(b.grow_to(41));
	EXPECT_FALSE(b.can_grow_to(41));
	EXPECT_TRUE(b.can_grow_to(40)); // takes nothing
	EXPECT_TRUE(b.grow_to(40));
	EXPECT_FALSE(a.grow_to(61));
	EXPECT_TRUE(a.grow_to(60));
	EXPECT_TRUE(a.grow_to(1)); // has it already
	EXPECT_FALSE(b.grow_to(41));
}

TEST(MemoryBudget, AShareGrowsByWhatIsMissing) {
	MemoryBudget budget(100);
	MemoryBudget::Share share(budget);
	for (size_t size = 1; size <= 100; size++)
		EXPECT_TRUE(share.grow_to(size));
	EXPECT_FALSE(share.grow_to(101));
}

TEST(MemoryBudget, WhoeverEndsGivesBackWhatItHad) {
	MemoryBudget budget(100);
	for (int i = 0; i < 3; i++) {
		std::optional<MemoryBudget::Share> share(std::in_place, budget);
		EXPECT_TRUE(share->grow_to(100));
		MemoryBudget::Share other(budget);
		EXPECT_FALSE(other.grow_to(1));
		share.reset();
		EXPECT_TRUE(other.grow_to(100));
	}
}

TEST(MemoryBudget, AShareThatMovesIsGivenBackOnce) {
	MemoryBudget budget(100);
	{
		MemoryBudget::Share first(budget);
		EXPECT_TRUE(first.grow_to(60));
		const MemoryBudget::Share second(std::move(first));
		MemoryBudget::Share other(budget);
		EXPECT_FALSE(other.grow_to(41));
	}
	MemoryBudget::Share share(budget);
	EXPECT_FALSE(share.grow_to(101));
	EXPECT_TRUE(share.grow_to(100));
}

} // namespace

} // namespace tokpay
