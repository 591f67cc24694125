#include "load.hpp"

#include <stdexcept>

namespace tokpay::bench {

std::unique_ptr<Load> make_load(const Options &options, Connection &connection) {
	std::unique_ptr<Load> load = make_read_load(options);
	if (!load)
		load = make_transfer_load(options, connection);
	if (!load)
		throw std::invalid_argument("there is no load " + options.load);
	return load;
}

} // namespace tokpay::bench
