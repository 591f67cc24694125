// How many descriptors the process may have.
#pragma once

#include <cstddef>

namespace tokpay {

// The hard limit, ulimit -Hn.
size_t max_open_files();

// From here on the process may have that many.
void allow_max_open_files();

} // namespace tokpay
