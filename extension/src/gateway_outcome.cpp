#include "gateway_outcome.hpp"

namespace tokpay {

namespace {

void pack_int64(StringInfo bytes, Datum value) {
	pq_sendint32(bytes, sizeof(int64));
	pq_sendint64(bytes, DatumGetInt64(value));
}

void pack_null(StringInfo bytes) {
	pq_sendint32(bytes, static_cast<uint32>(-1));
}

void pack_int64_array(StringInfo bytes, ArrayType *array) {
	const int count = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	const bits8 *present = ARR_NULLBITMAP(array); // none: all of them
	const auto *next = reinterpret_cast<const int64 *>(ARR_DATA_PTR(array));
	const int begin = bytes->len;
	pq_sendint32(bytes, 0);
	for (int i = 0; i < count; i++)
		if (present != nullptr && (present[i / 8] & (1 << i % 8)) == 0)
			pack_null(bytes);
		else
			pack_int64(bytes, Int64GetDatum(*next++));
	const uint32 size = pg_hton32(static_cast<uint32>(bytes->len - begin) - sizeof(uint32));
	memcpy(bytes->data + begin, &size, sizeof size);
}

void pack(StringInfo bytes, Column column, Datum value) {
	switch (column) {
	case column_code:
	case column_kind:
	case column_currency:
	case column_detail: {
		text *content = DatumGetTextPP(value);
		send_counted_text(
			bytes, VARDATA_ANY(content), static_cast<int>(VARSIZE_ANY_EXHDR(content)));
		break;
	}
	case column_credits:
	case column_amounts:
	case column_credit_balances:
	case column_credit_versions:
		pack_int64_array(bytes, DatumGetArrayTypeP(value));
		break;
	case column_replayed:
		pq_sendint32(bytes, 1);
		pq_sendint8(bytes, DatumGetBool(value) ? 1 : 0);
		break;
	case column_metadata: {
		Jsonb *metadata = DatumGetJsonbP(value);
		const char *content = JsonbToCString(nullptr, &metadata->root, VARSIZE(metadata));
		send_counted_text(bytes, content, static_cast<int>(strlen(content)));
		break;
	}
	default:
		pack_int64(bytes, value);
	}
}

} // namespace

void pack_outcome(StringInfo bytes, const Datum *values, const bool *nulls) {
	for (int i = column_code; i < column_count; i++)
		if (nulls[i])
			pack_null(bytes);
		else
			pack(bytes, static_cast<Column>(i), values[i]);
}

} // namespace tokpay
