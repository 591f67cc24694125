// bench-http: one measurement of a running gateway, told as one line of JSON.
#include "drive.hpp"
#include "meter.hpp"
#include "options.hpp"

#include "measure/stall_watch.hpp"

#include <algorithm>
#include <cstdio>
#include <exception>
#include <random>

namespace tokpay::bench {

namespace {

void print_traffic(const char *name, const Traffic &traffic, const Tally &tally, double seconds) {
	const auto units = tally.requests * static_cast<uint64_t>(traffic.load->units_per_call);
	std::printf(R"("load": "%s", "connections": %zu, "pipeline": %lld, "wanted_rate": %.0f, )"
				R"("requests": %llu, "late": %llu, "units": %llu, "rate": %.1f, )",
		name, traffic.clients.size(), static_cast<long long>(traffic.slots), traffic.rate,
		static_cast<unsigned long long>(tally.requests),
		static_cast<unsigned long long>(tally.late), static_cast<unsigned long long>(units),
		static_cast<double>(units) / seconds);
	std::printf(
		R"("latency_us": {"p50": %.0f, "p90": %.0f, "p99": %.0f, "p99.9": %.0f, "max": %.0f})",
		tally.latency.quantile(0.5), tally.latency.quantile(0.9), tally.latency.quantile(0.99),
		tally.latency.quantile(0.999), tally.latency.max());
}

// Cores are those of the whole measurement, whatever traffic took them; others are processes that
// have nothing to do with it.
void print_costs(const Reading &spent, double units) {
	const double servers_us = spent.gateway_us + spent.pgbouncer_us + spent.postgresql_us;
	std::printf(R"("cpu_us_per_unit": {"gateway": %.3f, "pgbouncer": %.3f, "postgresql": %.3f, )"
				R"("client": %.3f}, "server_cpu_us_per_unit": %.3f, )",
		spent.gateway_us / units, spent.pgbouncer_us / units, spent.postgresql_us / units,
		spent.client_us / units, servers_us / units);
	std::printf(
		R"("cores": {"gateway": %.2f, "pgbouncer": %.2f, "postgresql": %.2f, "client": %.2f}, )"
		R"("others_cpu": %.3f, )",
		spent.gateway_us / spent.at_us, spent.pgbouncer_us / spent.at_us,
		spent.postgresql_us / spent.at_us, spent.client_us / spent.at_us,
		(spent.machine_us - servers_us - spent.client_us) / spent.at_us);
}

// The traffic that is asked for and, where there is one, the other beside it.
std::vector<Traffic> connect(const Options &options, uint64_t seed) {
	std::vector<Traffic> traffics;
	traffics.emplace_back(options.load, options, options.connections, options.rate, seed);
	if (!options.beside.empty())
		traffics.emplace_back(
			options.beside, options, options.beside_connections, options.beside_rate, seed + 1);
	return traffics;
}

void measure(const Options &options) {
	const auto seed =
		options.seed != 0 ? static_cast<uint64_t>(options.seed) : uint64_t{std::random_device{}()};
	std::fprintf(stderr, "seed %llu\n", static_cast<unsigned long long>(seed));
	std::vector<Traffic> traffics = connect(options, seed);
	drive(traffics, options.warm_up);

	const Reading before = read_meter(options);
	StallWatch stall_watch;
	const std::vector<Tally> tallies = drive(traffics, options.seconds);
	const double stall_seconds = stall_watch.stop();
	const Reading spent = read_meter(options) - before;

	std::printf(R"({"seed": %llu, "pattern": "%s", "batch": %lld, "seconds": %.3f, )",
		static_cast<unsigned long long>(seed), options.pattern.c_str(),
		static_cast<long long>(options.batch), options.seconds);
	print_costs(spent, static_cast<double>(std::max<uint64_t>(tallies[0].requests, 1)) *
						   static_cast<double>(traffics[0].load->units_per_call));
	print_traffic(options.load.c_str(), traffics[0], tallies[0], options.seconds);
	if (tallies.size() > 1) {
		std::printf(R"(, "beside": {)");
		print_traffic(options.beside.c_str(), traffics[1], tallies[1], options.seconds);
		std::printf("}");
	}
	std::printf(R"(, "stall_seconds": %.2f})"
				"\n",
		stall_seconds);
	std::fflush(stdout);
	while (options.hold != 0 && std::getchar() != EOF) {
	}
}

} // namespace

} // namespace tokpay::bench

int main(int argc, char **argv) {
	try {
		tokpay::bench::measure(tokpay::bench::read_options(argc, argv));
		return 0;
	} catch (const std::exception &error) {
		std::fprintf(stderr, "bench-http: %s\n", error.what());
		return 1;
	}
}
