#include "measure/processes.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

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

double microseconds(const timeval &time) {
	return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_usec);
}

} // namespace

// A child that ends moves its time into its parent's, so nothing is lost or counted twice.
double cpu_us_of(int64_t pid) {
	const ProcessStat parent = read_stat("/proc/" + std::to_string(pid));
	double ticks = parent.own_ticks + parent.children_ticks;
	for (const auto &entry : std::filesystem::directory_iterator("/proc"))
		if (const std::string name = entry.path().filename(); std::ranges::all_of(name, ::isdigit))
			if (const ProcessStat stat = read_stat(entry.path()); stat.parent == pid)
				ticks += stat.own_ticks;
	return microseconds_of(ticks);
}

double own_cpu_us() {
	rusage usage{};
	getrusage(RUSAGE_SELF, &usage);
	return microseconds(usage.ru_utime) + microseconds(usage.ru_stime);
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

} // namespace tokpay::bench
