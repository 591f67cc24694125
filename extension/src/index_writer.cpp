#include "index_writer.hpp"

namespace tokpay {

// Follows ExecInsertIndexTuples in PostgreSQL's execIndexing.c, whose signature changes from
// version to version.
void IndexWriter::insert(HeapTuple row, Options options) {
	if (indexes_ == nullptr) {
		indexes_ = CatalogOpenIndexes(heap_);
		estate_ = CreateExecutorState();
		slot_ = MakeSingleTupleTableSlot(RelationGetDescr(heap_), &TTSOpsHeapTuple);
	}
	ExecStoreHeapTuple(row, slot_, false);
	slot_->tts_tid = row->t_self;
	ExprContext *context = GetPerTupleExprContext(estate_);
	context->ecxt_scantuple = slot_;
	for (int i = 0; i < indexes_->ri_NumIndices; i++) {
		Relation index = indexes_->ri_IndexRelationDescs[i];
		IndexInfo *info = indexes_->ri_IndexRelationInfo[i];
		if (!info->ii_ReadyForInserts || (options.summarizing_only && !is_summarizing(info)))
			continue;
		if (info->ii_Predicate != NIL && info->ii_PredicateState == nullptr)
			info->ii_PredicateState = ExecPrepareQual(info->ii_Predicate, estate_);
		if (info->ii_Predicate != NIL && !ExecQual(info->ii_PredicateState, context))
			continue;
		Datum values[INDEX_MAX_KEYS];
		bool nulls[INDEX_MAX_KEYS];
		FormIndexDatum(info, slot_, estate_, values, nulls);
		index_insert(index, values, nulls, &row->t_self, heap_,
			index->rd_index->indisunique ? UNIQUE_CHECK_YES : UNIQUE_CHECK_NO, options.after_update,
			info);
	}
	ResetPerTupleExprContext(estate_);
}

void IndexWriter::end() {
	if (indexes_ == nullptr)
		return;
	ExecDropSingleTupleTableSlot(slot_);
	FreeExecutorState(estate_);
	CatalogCloseIndexes(indexes_);
}

} // namespace tokpay
