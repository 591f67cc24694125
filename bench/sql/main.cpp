// bench-load: one measurement on a running server, told as one line of JSON.
#include "drive.hpp"
#include "meter.hpp"
#include "options.hpp"

#include "measure/stall_watch.hpp"

#include <chrono>
#include <cstdio>
#include <exception>
#include <future>
#include <random>
#include <thread>

namespace tokpay::bench {

namespace {

std::vector<Client> connect(const Options &options, uint64_t seed) {
	std::vector<Client> clients;
	clients.reserve(static_cast<size_t>(options.connections));
	for (int64_t i = 0; i < options.connections; i++)
		clients.emplace_back(options, seed + static_cast<uint64_t>(i));
	return clients;
}

// Runs the load that is to come between warm-up and measurement.
void churn(const Options &measured, uint64_t seed) {
	Options options = measured;
	options.load = measured.churn;
	options.connections = 2;
	options.batch = 500;
	std::vector<Client> clients = connect(options, seed);
	drive(clients, options.connections, 0, measured.churn_calls);
}

// Runs a statement so many seconds from now; the result is how many seconds it took.
std::future<double> run_later(const Options &options) {
	if (options.at_sql.empty())
		return {};
	return std::async(std::launch::async, [&options, begin = std::chrono::steady_clock::now()] {
		Connection connection(options.database, "bench later");
		std::this_thread::sleep_until(begin + std::chrono::duration_cast<std::chrono::nanoseconds>(
												  std::chrono::duration<double>(options.at)));
		const auto start = std::chrono::steady_clock::now();
		connection.execute(options.at_sql);
		return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
	});
}

void print(const Options &options, uint64_t seed, const Tally &tally, const Reading &before,
	const Reading &after, double at_seconds, double stall_seconds) {
	const auto units = static_cast<double>(std::max<uint64_t>(tally.units, 1));
	std::printf(
		R"({"load": "%s", "pattern": "%s", "connections": %lld, "threads": %lld, "batch": %lld, )"
		R"("credits": %lld, "seed": %llu, "seconds": %.3f, "calls": %llu, "units": %llu, "rate": %.1f, )",
		options.load.c_str(), options.pattern.c_str(), static_cast<long long>(options.connections),
		static_cast<long long>(options.threads), static_cast<long long>(options.batch),
		static_cast<long long>(options.credits), static_cast<unsigned long long>(seed),
		tally.seconds, static_cast<unsigned long long>(tally.calls),
		static_cast<unsigned long long>(tally.units),
		static_cast<double>(tally.units) / tally.seconds);
	std::printf(
		R"("latency_us": {"p50": %.0f, "p90": %.0f, "p99": %.0f, "p99.9": %.0f, "max": %.0f}, )",
		tally.latency.quantile(0.5), tally.latency.quantile(0.9), tally.latency.quantile(0.99),
		tally.latency.quantile(0.999), tally.latency.max());
	const double server_cpu_us = after.server_cpu_us - before.server_cpu_us;
	const double client_cpu_us = after.client_cpu_us - before.client_cpu_us;
	const double others_cpu_us =
		after.machine_cpu_us - before.machine_cpu_us - server_cpu_us - client_cpu_us;
	std::printf(
		R"("server_cpu_us_per_unit": %.3f, "client_cpu_us_per_unit": %.3f, "wal_bytes_per_unit": %.1f, )"
		R"("others_cpu": %.3f, "at_sql_seconds": %.2f, "stall_seconds": %.2f})"
		"\n",
		server_cpu_us / units, client_cpu_us / units, (after.wal_bytes - before.wal_bytes) / units,
		others_cpu_us / (after.at_us - before.at_us), at_seconds, stall_seconds);
}

void measure(const Options &options) {
	const auto seed =
		options.seed != 0 ? static_cast<uint64_t>(options.seed) : uint64_t{std::random_device{}()};
	std::fprintf(stderr, "seed %llu\n", static_cast<unsigned long long>(seed));
	Meter meter(options.database, options.postmaster);
	std::vector<Client> clients = connect(options, seed * 1000);
	if (options.calls == 0 && options.warm_up > 0)
		drive(clients, options.threads, options.warm_up, 0);
	if (!options.churn.empty())
		churn(options, seed * 1000 + 500);

	const Reading before = meter.read();
	StallWatch stall_watch;
	std::future<double> later = run_later(options);
	const Tally tally = drive(clients, options.threads, options.seconds, options.calls);
	const double at_seconds = later.valid() ? later.get() : 0;
	const double stall_seconds = stall_watch.stop();
	print(options, seed, tally, before, meter.read(), at_seconds, stall_seconds);
}

} // namespace

} // namespace tokpay::bench

int main(int argc, char **argv) {
	try {
		tokpay::bench::measure(tokpay::bench::read_options(argc, argv));
		return 0;
	} catch (const std::exception &error) {
		std::fprintf(stderr, "bench-load: %s\n", error.what());
		return 1;
	}
}
