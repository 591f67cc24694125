#include "load.hpp"

#include <fstream>
#include <stdexcept>

namespace tokpay::bench {

std::string headers(const Options &options) {
	std::string key;
	std::ifstream file(options.key_file);
	if (!std::getline(file, key) || key.empty())
		throw std::invalid_argument("--key-file " + options.key_file + ": there is no key in it");
	return host_header + std::string("Authorization: Bearer ") + key + "\r\n";
}

std::unique_ptr<Load> make_load(const std::string &name, const Options &options) {
	std::unique_ptr<Load> load = make_read_load(name, options);
	if (!load)
		load = make_transfer_load(name, options);
	if (!load)
		throw std::invalid_argument("there is no load " + name);
	return load;
}

} // namespace tokpay::bench
