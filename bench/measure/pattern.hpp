// Which accounts there are, and who pays whom.
#pragma once

#include "measure/random.hpp"

#include <cstdint>
#include <stdexcept>
#include <string>

namespace tokpay::bench {

// Payer and payee are not among the accounts of the uniform choice.
struct Population {
	int64_t first_account = 1; // the accounts of the uniform choice: ids in a row
	int64_t accounts = 2;
	int64_t payer = 0; // of from-one
	int64_t payee = 0; // of to-one
};

struct Payment {
	int64_t debit;
	int64_t credit;
	int64_t amount; // minor units, of two digits
};

inline int64_t random_account(const Population &population, Random &random) {
	return population.first_account + random.below(population.accounts);
}

inline int64_t random_amount(Random &random) {
	return 10 + random.below(90);
}

class Pattern {
public:
	// The name is uniform, to-one or from-one; so many of 100 payments follow the last two, the
	// others are uniform. Throws std::invalid_argument for another name.
	Pattern(const std::string &name, const Population &population, int64_t hot_percent = 100)
		: population_(population), to_one_(name == "to-one"), from_one_(name == "from-one"),
		  hot_percent_(hot_percent) {
		if (name != "uniform" && !to_one_ && !from_one_)
			throw std::invalid_argument("there is no pattern " + name);
	}

	Payment choose(Random &random) const {
		const int64_t one = random.below(population_.accounts);
		// Of the others, so that nobody pays himself.
		const int64_t two =
			(one + 1 + random.below(population_.accounts - 1)) % population_.accounts;
		const bool is_hot = hot_percent_ == 100 || random.below(100) < hot_percent_;
		return {.debit = from_one_ && is_hot ? population_.payer : population_.first_account + one,
			.credit = to_one_ && is_hot ? population_.payee : population_.first_account + two,
			.amount = random_amount(random)};
	}

private:
	Population population_;
	bool to_one_;
	bool from_one_;
	int64_t hot_percent_;
};

} // namespace tokpay::bench
