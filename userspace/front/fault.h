/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory that somebody else may take away: who shares a file with us can cut it short at any time,
 * and whoever touches what is gone gets SIGBUS. A watched mapping is then replaced as a whole by
 * private zeroes, the access is repeated and succeeds, and *@lost tells that from now on there is
 * nothing in it to rely on.
 */
#ifndef FRONT_FAULT_H
#define FRONT_FAULT_H

#include <signal.h>
#include <stddef.h>

#define FAULT_MAPPINGS 80 /* watched at a time */

/* Return: 0; -ENOSPC, or what sigaction() says. */
int fault_watch(void *at, size_t len, volatile sig_atomic_t *lost);

/* Before munmap(). */
void fault_forget(void *at);

#endif /* FRONT_FAULT_H */
