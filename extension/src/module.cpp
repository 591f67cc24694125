#include "cluster.hpp"

extern "C" {
#ifdef PG_MODULE_MAGIC_EXT
PG_MODULE_MAGIC_EXT(.name = "tokpay", .version = TOKPAY_VERSION);
#else
PG_MODULE_MAGIC;
#endif

PGDLLEXPORT void _PG_init();
}

void _PG_init() {
	tokpay::define_cluster_settings();
}
