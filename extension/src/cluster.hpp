// Whether this server is a machine of a cluster: it has to be set up for one, and its books have to
// say the same.
#pragma once

#include "postgres.hpp"

namespace tokpay {

// Called by _PG_init.
void define_cluster_settings();

// Raises not_leader where setting and books disagree, and in a cluster where this server is not
// known to lead it.
void require_cluster_as_set();

} // namespace tokpay
