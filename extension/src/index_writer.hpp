// Index entries of rows that were stored directly, as the executor would make them.
#pragma once

#include "postgres.hpp"

namespace tokpay {

// Writes into every index the table has, whatever indexes those are: a DBA's own, or the second
// primary key of a REINDEX CONCURRENTLY. Costs nothing until the first row.
class IndexWriter {
public:
	explicit IndexWriter(Relation heap) : heap_(heap) {}

	struct Options {
		bool after_update = false;	   // an update that left the indexed columns as they were
		bool summarizing_only = false; // a HOT update: only such indexes want an entry
	};

	void insert(HeapTuple row, Options options);
	void end();

private:
	Relation heap_;
	CatalogIndexState indexes_ = nullptr;
	EState *estate_ = nullptr;
	TupleTableSlot *slot_ = nullptr;
};

} // namespace tokpay
