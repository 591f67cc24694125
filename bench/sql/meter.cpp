#include "meter.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace tokpay::bench {

namespace {

// The numbers of /proc/PID/stat that matter here; see proc(5).
struct ProcessStat {
	int64_t parent = 0;
	double own_ticks = 0;	   // utime, stime
	double children_ticks = 0; // cutime, cstime: of children that have ended
};

ProcessStat read_stat(const std::filesystem::path &process) {
	std::ifstream file(process / "stat");
	std::string line;
	std::getline(file, line);				 // empty where the process has just ended
	const size_t name_end = line.rfind(')'); // the name may hold spaces
	if (name_end == std::string::npos)
		return {};
	std::istringstream rest(line.substr(name_end + 1));
	std::string state;
	ProcessStat stat;
	rest >> state >> stat.parent;
	std::string skipped;
	for (int field = 5; field < 14; field++)
		rest >> skipped;
	std::array<double, 4> times{};
	for (double &time : times)
		rest >> time;
	stat.own_ticks = times[0] + times[1];
	stat.children_ticks = times[2] + times[3];
	return stat;
}

double microseconds_of(double ticks) {
	return ticks * 1e6 / static_cast<double>(sysconf(_SC_CLK_TCK));
}

// A backend that ends moves its time into the postmaster's, so nothing is lost or counted twice.
double server_cpu_us(int64_t postmaster) {
	double ticks = read_stat("/proc/" + std::to_string(postmaster)).children_ticks;
	for (const auto &entry : std::filesystem::directory_iterator("/proc"))
		if (const std::string name = entry.path().filename(); std::ranges::all_of(name, ::isdigit))
			if (const ProcessStat stat = read_stat(entry.path()); stat.parent == postmaster)
				ticks += stat.own_ticks;
	return microseconds_of(ticks);
}

// The first line of /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal.
double machine_cpu_us() {
	std::ifstream file("/proc/stat");
	std::string name;
	file >> name;
	std::array<double, 8> times{};
	for (double &time : times)
		file >> time;
	return microseconds_of(times[0] + times[1] + times[2] + times[5] + times[6] + times[7]);
}

double microseconds(const timeval &time) {
	return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_usec);
}

} // namespace

Reading Meter::read() {
	Reading reading;
	reading.at_us = std::chrono::duration<double, std::micro>(
		std::chrono::steady_clock::now().time_since_epoch())
						.count();
	if (postmaster_ != 0)
		reading.server_cpu_us = server_cpu_us(postmaster_);
	rusage usage{};
	getrusage(RUSAGE_SELF, &usage);
	reading.client_cpu_us = microseconds(usage.ru_utime) + microseconds(usage.ru_stime);
	reading.machine_cpu_us = machine_cpu_us();
	const ResultPtr position =
		connection_.execute("select pg_current_wal_insert_lsn() - '0/0'::pg_lsn");
	reading.wal_bytes = std::stod(PQgetvalue(position.get(), 0, 0));
	return reading;
}

} // namespace tokpay::bench
