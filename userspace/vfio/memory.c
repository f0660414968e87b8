// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest memory: a window onto all addresses that the user of the device could map for DMA, whether
 * anything is there or not (uapi/linux/uvf_vfio.h, "GUEST MEMORY"). The kernel keeps it true by
 * itself; we only have to know which addresses are there before we touch them.
 *
 * Which are, the kernel is asked once for a page (UVF_VFIO_DMA_PROBE), and `known` remembers it.
 * The user may unmap a page at any time, though, and then a touch raises SIGBUS. The handler puts a
 * page of zeroes there, and the access is repeated and succeeds: whoever takes memory away while
 * his device uses it gets what a device gets on a bus without an answer. Behind the entry point of
 * the NIC that it happened in, the window is made anew, and nothing is known any more.
 */
#include "vfio.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "why.h"

#define WINDOW (1ULL << 42)
#define PAGE 4096u

#define KNOWN 1u
#define KNOWN_WRITE 2u

/* Of the handler's: one front in a process. */
static uint8_t *window;
static volatile sig_atomic_t gone;
static struct sigaction before;

/* mmap() is a system call only. */
static void on_sigbus(int sig, siginfo_t *info, void *context)
{
	uint64_t into = (uint8_t *)info->si_addr - window;

	if (window && into < WINDOW &&
	    mmap(window + (into & -(uint64_t)PAGE), PAGE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0) != MAP_FAILED)
		gone++;
	else /* not ours: the access is repeated, and whoever was there before has it */
		sigaction(SIGBUS, &before, NULL);
}

/* --- what is known ---------------------------------------------------------------------------- */

/* An entry is the page's number, and what may be done there. */
static uint64_t *entry_of(struct front *front, uint64_t page)
{
	return &front->known[page % PAGES];
}

static bool is_known(struct front *front, uint64_t page, bool write)
{
	uint64_t entry = *entry_of(front, page);

	return entry >> 2 == page && entry & (write ? KNOWN_WRITE : KNOWN);
}

static void remember(struct front *front, uint64_t at, uint64_t len, bool write)
{
	uint64_t last = (at + len - 1) / PAGE;

	for (uint64_t page = at / PAGE; page <= last; page++)
		if (!is_known(front, page, write))
			*entry_of(front, page) = page << 2 | KNOWN | (write ? KNOWN_WRITE : 0);
}

void memory_forget(struct front *front)
{
	memset(front->known, 0, sizeof(front->known));
}

/* --- looking it up ---------------------------------------------------------------------------- */

static uint64_t probe(struct front *front, uint64_t at, uint64_t len, bool write)
{
	struct uvf_vfio_probe probe = {
		.size = sizeof(probe),
		.flags = write ? UVF_VFIO_PROBE_WRITE : 0,
		.address = at,
		.length = len,
	};

	if (ioctl(front->channel, UVF_VFIO_DMA_PROBE, &probe) || !probe.length ||
	    probe.length > len)
		return 0;
	remember(front, at, probe.length, write);
	return probe.length;
}

void *memory_dma(void *ctx, uint64_t at, uint64_t len, bool write, uint64_t *row)
{
	struct front *front = ctx;
	uint64_t have = 0;

	if (at >= WINDOW || !len)
		return NULL;
	if (len > UVF_VFIO_DMA_MAX)
		len = UVF_VFIO_DMA_MAX;
	if (len > WINDOW - at)
		len = WINDOW - at;
	while (have < len && is_known(front, (at + have) / PAGE, write))
		have += PAGE - (at + have) % PAGE;
	if (have < len)
		have += probe(front, at + have, len - have, write);
	if (!have)
		return NULL;
	*row = have < len ? have : len;
	return front->window + at;
}

/* --- the window ------------------------------------------------------------------------------- */

/* @at: NULL, or where it is to be. */
static uint8_t *window_map(struct front *front, uint8_t *at)
{
	return mmap(at, WINDOW, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_NORESERVE | (at ? MAP_FIXED : 0), front->channel,
		    UVF_VFIO_MAP_DMA);
}

void memory_settle(struct front *front)
{
	if (!gone)
		return;
	front->counters->memory_gone += gone;
	gone = 0;
	memory_forget(front);
	if (window_map(front, window) != MAP_FAILED)
		return;
	/* The channel has ended, or there is no memory; what stands there now may be wrong. */
	front->failed = uvf_fail(errno, "can't map guest memory anew: %s", strerror(errno));
	front->stop = true;
}

int memory_open(struct front *front)
{
	const struct sigaction action = { .sa_sigaction = on_sigbus, .sa_flags = SA_SIGINFO };

	front->window = window_map(front, NULL);
	if (front->window == MAP_FAILED) {
		front->window = NULL;
		return uvf_fail(errno, "can't map guest memory: %s", strerror(errno));
	}
	window = front->window;
	if (sigaction(SIGBUS, &action, &before))
		return uvf_fail(errno, "can't catch SIGBUS: %s", strerror(errno));
	return 0;
}

void memory_close(struct front *front)
{
	if (!window)
		return;
	sigaction(SIGBUS, &before, NULL);
	munmap(window, WINDOW);
	window = NULL;
	front->window = NULL;
}
