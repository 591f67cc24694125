#include "process/open_files.hpp"

#include <sys/resource.h>

namespace tokpay {

size_t max_open_files() {
	rlimit limit{};
	getrlimit(RLIMIT_NOFILE, &limit);
	return limit.rlim_max;
}

void allow_max_open_files() {
	rlimit limit{};
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

} // namespace tokpay
