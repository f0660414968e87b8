// SPDX-License-Identifier: GPL-2.0-only
/* Making and leaving the table; see lent.h. */
#include "lent.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "why.h"

static uint32_t buckets(uint16_t num)
{
	uint32_t n = 64;

	while (n < num * 2u)
		n *= 2;
	return n;
}

static int buckets_make(struct lent *lent)
{
	uint32_t n = buckets(lent->num);

	lent->mask = n - 1;
	lent->bucket = malloc(n * sizeof(*lent->bucket));
	lent->next = malloc(lent->num * sizeof(*lent->next));
	if (!lent->bucket || !lent->next)
		return uvf_fail(ENOMEM, "no memory for a table of %u buffers", lent->num);
	memset(lent->bucket, 0xff, n * sizeof(*lent->bucket));
	return 0;
}

int lent_open(struct lent *lent, struct lent_entry *entry, uint16_t num, bool finds)
{
	*lent = (struct lent){ .entry = entry, .num = num };
	if (finds && buckets_make(lent)) {
		lent_close(lent);
		return -ENOMEM;
	}
	for (uint16_t id = 0; id < num; id++)
		if (entry[id].addr)
			lent_link(lent, id);
	return 0;
}

void lent_close(struct lent *lent)
{
	free(lent->bucket);
	free(lent->next);
	*lent = (struct lent){ 0 };
}
