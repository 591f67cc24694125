#include "leadership.hpp"

namespace tokpay {

namespace {

struct Shared {
	slock_t mutex; // of everything but the counts and the two generations
	Leadership leadership;
	StandbyNames names;
	uint32 last_generation;
	uint32 revocations;
	Latch *worker_latch;
	// A process copies what is new to it; 0: nobody leads.
	pg_atomic_uint32 leadership_generation;
	pg_atomic_uint32 names_generation;
	FenceCounts counts;
};

Shared *shared = nullptr;
shmem_request_hook_type next_request = nullptr;
shmem_startup_hook_type next_startup = nullptr;

void request() {
	if (next_request != nullptr)
		next_request();
	RequestAddinShmemSpace(sizeof(Shared));
}

void start() {
	if (next_startup != nullptr)
		next_startup();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	bool found;
	shared = static_cast<Shared *>(ShmemInitStruct("tokpay", sizeof(Shared), &found));
	if (!found) {
		memset(static_cast<void *>(shared), 0, sizeof(Shared));
		SpinLockInit(&shared->mutex);
		shared->names.problem = NamesProblem::not_read;
		pg_atomic_init_u32(&shared->leadership_generation, 0);
		pg_atomic_init_u32(&shared->names_generation, 0);
		pg_atomic_init_u64(&shared->counts.fences, 0);
		pg_atomic_init_u64(&shared->counts.waits, 0);
		pg_atomic_init_u64(&shared->counts.commits_gated, 0);
		for (pg_atomic_uint64 &refused : shared->counts.refused)
			pg_atomic_init_u64(&refused, 0);
	}
	LWLockRelease(AddinShmemInitLock);
}

} // namespace

void request_shared_memory() {
	next_request = shmem_request_hook;
	shmem_request_hook = request;
	next_startup = shmem_startup_hook;
	shmem_startup_hook = start;
}

bool has_shared_memory() {
	return shared != nullptr;
}

FenceCounts &fence_counts() {
	return shared->counts;
}

const Leadership *leadership() {
	static Leadership copy;
	static uint32 copied = 0;
	const uint32 generation = pg_atomic_read_u32(&shared->leadership_generation);
	if (generation == 0)
		return nullptr;
	if (generation != copied) {
		SpinLockAcquire(&shared->mutex);
		copy = shared->leadership;
		SpinLockRelease(&shared->mutex);
		copied = generation;
	}
	return &copy;
}

bool publish_leadership(const Leadership &leadership, uint32 revocations) {
	SpinLockAcquire(&shared->mutex);
	const bool is_current = shared->revocations == revocations;
	if (is_current) {
		shared->leadership = leadership;
		if (++shared->last_generation == 0)
			++shared->last_generation;
		pg_atomic_write_u32(&shared->leadership_generation, shared->last_generation);
	}
	SpinLockRelease(&shared->mutex);
	return is_current;
}

uint32 revocation_count() {
	SpinLockAcquire(&shared->mutex);
	const uint32 count = shared->revocations;
	SpinLockRelease(&shared->mutex);
	return count;
}

void revoke_leadership() {
	SpinLockAcquire(&shared->mutex);
	shared->revocations++;
	pg_atomic_write_u32(&shared->leadership_generation, 0);
	Latch *worker = shared->worker_latch;
	SpinLockRelease(&shared->mutex);
	if (worker != nullptr)
		SetLatch(worker);
}

const StandbyNames &standby_names() {
	static StandbyNames copy;
	static uint32 copied = 0;
	const uint32 generation = pg_atomic_read_u32(&shared->names_generation);
	if (generation != copied) {
		SpinLockAcquire(&shared->mutex);
		copy = shared->names;
		SpinLockRelease(&shared->mutex);
		copied = generation;
	}
	return copy;
}

void publish_standby_names(const StandbyNames &names) {
	SpinLockAcquire(&shared->mutex);
	shared->names = names;
	pg_atomic_fetch_add_u32(&shared->names_generation, 1);
	SpinLockRelease(&shared->mutex);
}

void set_worker_latch(Latch *latch) {
	SpinLockAcquire(&shared->mutex);
	shared->worker_latch = latch;
	SpinLockRelease(&shared->mutex);
}

} // namespace tokpay
