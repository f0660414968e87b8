// SPDX-License-Identifier: GPL-2.0-only
/* Guest memory, by DMA address, piece by piece as it is mapped. */
#include "nic.h"

#include <inttypes.h>

/* The bytes that lie in a row at @at, @len at most; NULL: nowhere. */
static uint8_t *piece(struct nic *nic, uint64_t at, uint64_t len, bool write, uint64_t *row)
{
	uint8_t *here = NULL;

	*row = 0;
	if (at + (len - 1) >= at)
		here = nic->ops->dma(nic->ctx, at, len, write, row);
	if (!here || !*row) {
		nic->counters.dma_errors++;
		nic_say(nic, "the guest gave the address %#" PRIx64 " for %" PRIu64
			" bytes, where no memory is to be %s", at, len, write ? "written" : "read");
		return NULL;
	}
	if (*row > len)
		*row = len;
	return here;
}

bool dma_read(struct nic *nic, uint64_t at, void *to, uint64_t len)
{
	uint64_t row;

	for (uint8_t *next = to; len; at += row, next += row, len -= row) {
		const uint8_t *here = piece(nic, at, len, false, &row);

		if (!here)
			return false;
		memcpy(next, here, row);
	}
	return true;
}

bool dma_write(struct nic *nic, uint64_t at, const void *from, uint64_t len)
{
	uint64_t row;

	for (const uint8_t *next = from; len; at += row, next += row, len -= row) {
		uint8_t *here = piece(nic, at, len, true, &row);

		if (!here)
			return false;
		memcpy(here, next, row);
	}
	return true;
}
