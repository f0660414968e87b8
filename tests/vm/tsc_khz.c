// SPDX-License-Identifier: GPL-2.0-only
/*
 * How many kHz this machine's time stamp counter has. Under TCG a guest reads the same one, but
 * measures it against an emulated timer while the machine is busy elsewhere: one boot in fifty was
 * wrong by a factor of five, and every time limit in that guest was then a fifth of itself.
 *
 * Prints nothing, and fails, where there is no such counter.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROUNDS 5

#ifdef __x86_64__
struct moment {
	uint64_t ns, ticks;
};

/* The counter and the clock at one moment: of several looks the one that took least time. */
static struct moment look(void)
{
	struct moment best = {};
	uint64_t least = UINT64_MAX;
	int i;

	for (i = 0; i < 20; i++) {
		struct timespec ts;
		uint64_t before, after;

		before = __builtin_ia32_rdtsc();
		clock_gettime(CLOCK_MONOTONIC_RAW, &ts);
		after = __builtin_ia32_rdtsc();
		if (after - before >= least)
			continue;
		least = after - before;
		best.ns = ts.tv_sec * UINT64_C(1000000000) + ts.tv_nsec;
		best.ticks = before + least / 2;
	}
	return best;
}

static int by_size(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

int main(void)
{
	const struct timespec pause = { .tv_nsec = 20000000 };
	uint64_t khz[ROUNDS];
	int i;

	for (i = 0; i < ROUNDS; i++) {
		struct moment start = look(), end;

		nanosleep(&pause, NULL);
		end = look();
		khz[i] = (end.ticks - start.ticks) * 1000000 / (end.ns - start.ns);
	}
	qsort(khz, ROUNDS, sizeof(*khz), by_size);
	printf("%lu\n", khz[ROUNDS / 2]);
	return 0;
}
#else
int main(void)
{
	return 1;
}
#endif
