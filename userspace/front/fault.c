// SPDX-License-Identifier: GPL-2.0-only
/* SIGBUS of a file that was cut short, and nothing else. */
#include "fault.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "why.h"

static struct mapping {
	uint8_t *at;
	size_t len;
	volatile sig_atomic_t *lost;
} mappings[FAULT_MAPPINGS];

static struct sigaction before;

static const struct mapping *mapping_of(const uint8_t *at)
{
	for (unsigned int i = 0; i < FAULT_MAPPINGS; i++)
		if (mappings[i].at && (uintptr_t)at - (uintptr_t)mappings[i].at < mappings[i].len)
			return &mappings[i];
	return NULL;
}

/* The whole of it, as a part of a huge page can't be replaced. mmap() is a system call only. */
static void on_sigbus(int sig, siginfo_t *info, void *context)
{
	const struct mapping *mapping = mapping_of(info->si_addr);

	if (mapping && mmap(mapping->at, mapping->len, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0) !=
			       MAP_FAILED)
		*mapping->lost = 1;
	else /* not ours: the access is repeated, and whoever was there before has it */
		sigaction(SIGBUS, &before, NULL);
}

static int handler_install(void)
{
	const struct sigaction action = { .sa_sigaction = on_sigbus, .sa_flags = SA_SIGINFO };
	struct sigaction old;

	if (sigaction(SIGBUS, &action, &old))
		return uvf_fail(errno, "can't catch SIGBUS: %s", strerror(errno));
	if (old.sa_sigaction != on_sigbus)
		before = old;
	return 0;
}

int fault_watch(void *at, size_t len, volatile sig_atomic_t *lost)
{
	int err = handler_install();

	for (unsigned int i = 0; !err && i < FAULT_MAPPINGS; i++)
		if (!mappings[i].at) {
			mappings[i] = (struct mapping){ at, len, lost };
			return 0;
		}
	return err ? err : uvf_fail(ENOSPC, "there are %d shared mappings already", FAULT_MAPPINGS);
}

void fault_forget(void *at)
{
	for (unsigned int i = 0; i < FAULT_MAPPINGS; i++)
		if (mappings[i].at == at)
			mappings[i].at = NULL;
}
