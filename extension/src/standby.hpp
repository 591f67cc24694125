// The standby that synchronous_standby_names names, and how far it has the WAL on its disk.
//
// What it says itself counts, read from the walsender that serves it; that PostgreSQL has released
// a waiter says less: an emptied setting does it, and with "*" so does whoever streams.
#pragma once

#include "leadership.hpp"

namespace tokpay {

// synchronous_standby_names as this process has it now.
StandbyNames read_standby_names();

struct Acknowledgement {
	bool streaming = false;					// everybody that is named
	XLogRecPtr flushed = InvalidXLogRecPtr; // by all of them
};

Acknowledgement acknowledgement();

// In words, for DETAIL; null where nothing is wrong.
const char *describe(NamesProblem problem);

} // namespace tokpay
