// Whether this server is a machine of a cluster: it has to be set up for one, and its books have to
// say the same.
#pragma once

#include "postgres.hpp"

namespace tokpay {

// Called by _PG_init.
void define_cluster_settings();

// Whether the setting is on and the library preloaded.
bool is_cluster_machine();

// Whether these books are a cluster's and this server one of its machines. Raises not_leader where
// only one of the two is so.
bool is_cluster_as_set();

// The database whose books are the cluster's: tokpay.database.
const char *cluster_database();

} // namespace tokpay
