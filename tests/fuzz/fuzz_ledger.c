// SPDX-License-Identifier: GPL-2.0-only
/* Any text as the file in which uvfd notes what queues were like: refused, or written again. */
#include <assert.h>
#include <string.h>

#include "direct.h"
#include "why.h"

static void check(const struct ledger *ledger)
{
	for (const struct direct *direct = ledger->directs; direct; direct = direct->hh.next) {
		assert(direct->queues && direct->key >= 0 && direct->uplink >= 0);
		assert(direct->asked < UVF_DIRECT_BYS && direct->by < UVF_DIRECT_BYS);
	}
	for (const struct spread *spread = ledger->spreads; spread; spread = spread->hh.next) {
		assert(spread->before.size && spread->before.size <= UVF_RSS_MAX);
		assert(spread->before.size == spread->ours.size);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ledger ledger;

	if (!ledger_parse(&ledger, (const char *)data, size))
		check(&ledger);
	else
		assert(!ledger.directs && !ledger.spreads && *uvf_why());
	ledger_free(&ledger);
	return 0;
}
